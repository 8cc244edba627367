package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// copier consumes in a group, copies every record to the same partition of another topic, and
// commits what it consumed within the transaction in which it copied, until stdin is closed:
//
//	copier servers transactional-id group input output properties
func copier(args []string) {
	servers = args[0]
	session, err := kgo.NewGroupTransactSession(options(args[5],
		kgo.TransactionalID(args[1]),
		kgo.TransactionTimeout(10*time.Second),
		kgo.ConsumerGroup(args[2]),
		kgo.ConsumeTopics(args[3]),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	)...)
	dieOf(err)
	var isEnded atomic.Bool
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString(0)
		isEnded.Store(true)
	}()
	for !isEnded.Load() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		fetches := session.PollRecords(ctx, 100)
		cancel()
		if fetches.NumRecords() > 0 {
			transact(session, fetches, args[4])
		}
	}
	session.Close()
	fmt.Println("done")
}

func transact(session *kgo.GroupTransactSession, fetches kgo.Fetches, output string) {
	ctx := context.Background()
	dieOf(session.Begin())
	promise := kgo.AbortingFirstErrPromise(session.Client())
	fetches.EachRecord(func(record *kgo.Record) {
		session.Produce(ctx, &kgo.Record{
			Topic: output, Partition: record.Partition, Key: record.Key, Value: record.Value,
		}, promise.Promise())
	})
	failure := promise.Err()
	isCommitted, err := session.End(ctx, kgo.TransactionEndTry(failure == nil))
	dieOf(err)
	if isCommitted {
		fmt.Println("copied", fetches.NumRecords())
	} else {
		fmt.Println("aborted", failure)
	}
}

// dieOf ends a program that cannot get over an error: its successor takes its id over.
func dieOf(err error) {
	if err == nil {
		return
	}
	var cause error = err
	for next := errors.Unwrap(cause); next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	fmt.Println("fatal copy", cause)
	os.Exit(2)
}
