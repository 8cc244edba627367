// franz-go behind stdin and stdout, in the line protocol of client-program.ts: one request a line,
// each carried out in a goroutine of its own so that a reader can wait while a producer goes on.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	servers   string
	lock      sync.Mutex
	output    sync.Mutex
	producers = map[string]*kgo.Client{}
	members   = map[string]*member{}
	codecs    = map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
)

func main() {
	if os.Args[1] == "copier" {
		copier(os.Args[2:])
		return
	}
	servers = os.Args[1]
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		go serve(strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
}

func serve(fields []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	answer, err := carryOut(ctx, fields[1], fields[2:])
	if err != nil {
		name := fmt.Sprintf("%T", err)
		var known *kerr.Error
		if errors.As(err, &known) {
			name = known.Message
		}
		text := strings.NewReplacer("\t", " ", "\n", " ").Replace(err.Error())
		answer = []string{"error\t" + name + "\t" + text}
	} else {
		answer = append(answer, "ok")
	}
	output.Lock()
	defer output.Unlock()
	for _, line := range answer {
		fmt.Printf("%s\t%s\n", fields[0], line)
	}
}

func carryOut(ctx context.Context, verb string, args []string) ([]string, error) {
	switch verb {
	case "create":
		return nil, create(ctx, args[0], number(args[1]), properties(args[2]))
	case "delete":
		return nil, withAdmin(func(admin *kadm.Client) error {
			deleted, err := admin.DeleteTopics(ctx, args[0])
			return errors.Join(err, deleted.Error())
		})
	case "produce":
		return produce(ctx, args)
	case "transact":
		return commit(ctx, args)
	case "offset":
		offset, err := offsetAt(ctx, args[0], int32(number(args[1])), args[2])
		return []string{fmt.Sprintf("offset\t%d", offset)}, err
	case "assign":
		offsets := map[int32]kgo.Offset{int32(number(args[2])): offsetOf(args[3])}
		consume := kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{args[1]: offsets})
		return nil, begin(args[0], &member{}, options(args[4], consume))
	case "join":
		return nil, join(args[0], args[3],
			kgo.ConsumerGroup(args[1]),
			kgo.ConsumeTopics(strings.Split(args[2], ",")...),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
			kgo.DisableAutoCommit())
	}
	lock.Lock()
	each := members[args[0]]
	lock.Unlock()
	switch verb {
	case "take":
		return each.take(number(args[1]), time.Duration(number(args[2]))*time.Millisecond)
	case "assignment":
		return []string{"assignment\t" + each.assignment()}, nil
	case "commit":
		return nil, each.client.CommitUncommittedOffsets(ctx)
	case "leave":
		each.leave()
		return nil, nil
	}
	return nil, errors.New(verb)
}

// options turns the properties that tests use, which have Java's names, into options.
func options(text string, more ...kgo.Opt) []kgo.Opt {
	opts := append([]kgo.Opt{kgo.SeedBrokers(servers)}, more...)
	given := properties(text)
	if mechanism := login(given); mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	if strings.HasSuffix(given["security.protocol"], "SSL") {
		opts = append(opts, kgo.DialTLSConfig(encryption(given)))
	}
	for name, value := range given {
		switch name {
		case "bootstrap.servers":
			opts = append(opts, kgo.SeedBrokers(value))
		case "isolation.level":
			if value == "read_committed" {
				opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
			}
		case "max.request.size":
			opts = append(opts, kgo.ProducerBatchMaxBytes(int32(number(value))))
		case "fetch.max.bytes":
			opts = append(opts, kgo.FetchMaxBytes(int32(number(value))))
		case "max.partition.fetch.bytes":
			opts = append(opts, kgo.FetchMaxPartitionBytes(int32(number(value))))
		case "fetch.min.bytes":
			opts = append(opts, kgo.FetchMinBytes(int32(number(value))))
		case "fetch.max.wait.ms":
			opts = append(opts, kgo.FetchMaxWait(time.Duration(number(value))*time.Millisecond))
		case "session.timeout.ms":
			opts = append(opts, kgo.SessionTimeout(time.Duration(number(value))*time.Millisecond))
		case "heartbeat.interval.ms":
			opts = append(opts, kgo.HeartbeatInterval(time.Duration(number(value))*time.Millisecond))
		case "group.instance.id":
			opts = append(opts, kgo.InstanceID(value))
		case "group.protocol":
			if value == "consumer" {
				opts = append(opts, kgo.ServerSideBalancer())
			}
		}
	}
	return opts
}

func produce(ctx context.Context, args []string) ([]string, error) {
	client, err := producerOf(args[2], args[3], args[4])
	if err != nil {
		return nil, err
	}
	records, err := recordsOf(args[0], args[1], args[5:])
	if err != nil {
		return nil, err
	}
	done := make(chan error, len(records))
	for _, record := range records {
		client.Produce(ctx, record, func(_ *kgo.Record, err error) { done <- err })
	}
	if err := client.Flush(ctx); err != nil {
		return nil, err
	}
	for range records {
		if err := <-done; err != nil {
			return nil, err
		}
	}
	return offsetLines(records), nil
}

// commit writes records in one transaction, by a client of its own.
func commit(ctx context.Context, args []string) ([]string, error) {
	records, err := recordsOf(args[0], args[1], args[4:])
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(options(args[3],
		kgo.TransactionalID(args[2]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		return nil, err
	}
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	return offsetLines(records), client.EndTransaction(ctx, kgo.TryCommit)
}

func recordsOf(topic, partition string, texts []string) ([]*kgo.Record, error) {
	var records []*kgo.Record
	for _, text := range texts {
		record, err := recordOf(text)
		if err != nil {
			return nil, err
		}
		record.Topic, record.Partition = topic, int32(number(partition))
		records = append(records, record)
	}
	return records, nil
}

func offsetLines(records []*kgo.Record) []string {
	var lines []string
	for _, record := range records {
		lines = append(lines, fmt.Sprintf("offset\t%d", record.Offset))
	}
	return lines
}

// producerOf keeps one producer for every setting, as an application would.
func producerOf(codec, acks, text string) (*kgo.Client, error) {
	lock.Lock()
	defer lock.Unlock()
	name := strings.Join([]string{codec, acks, text}, " ")
	if client := producers[name]; client != nil {
		return client, nil
	}
	opts := options(text,
		kgo.ProducerBatchCompression(codecs[codec]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(5*time.Second),
	)
	switch acks {
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	// A record would be tried again for as long as the request may take.
	if strings.Contains(text, "security.protocol") || strings.Contains(text, "sasl.mechanism") {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.Ping(ctx); err != nil {
			client.Close()
			return nil, err
		}
	}
	producers[name] = client
	return client, nil
}

func create(ctx context.Context, topic string, partitions int, configs map[string]string) error {
	return withAdmin(func(admin *kadm.Client) error {
		values := map[string]*string{}
		for name, value := range configs {
			values[name] = kadm.StringPtr(value)
		}
		_, err := admin.CreateTopic(ctx, int32(partitions), 1, values, topic)
		return err
	})
}

func offsetAt(ctx context.Context, topic string, partition int32, from string) (int64, error) {
	var found kadm.ListedOffsets
	err := withAdmin(func(admin *kadm.Client) (err error) {
		switch {
		case from == "beginning":
			found, err = admin.ListStartOffsets(ctx, topic)
		case from == "end":
			found, err = admin.ListEndOffsets(ctx, topic)
		default:
			found, err = admin.ListOffsetsAfterMilli(ctx, int64(number(from[1:])), topic)
		}
		return errors.Join(err, found.Error())
	})
	listed, _ := found.Lookup(topic, partition)
	return listed.Offset, err
}

func withAdmin(use func(admin *kadm.Client) error) error {
	admin, err := kadm.NewOptClient(kgo.SeedBrokers(servers))
	if err != nil {
		return err
	}
	defer admin.Close()
	return use(admin)
}

func offsetOf(from string) kgo.Offset {
	switch {
	case from == "beginning":
		return kgo.NewOffset().AtStart()
	case from == "end":
		return kgo.NewOffset().AtEnd()
	case strings.HasPrefix(from, "@"):
		return kgo.NewOffset().AfterMilli(int64(number(from[1:])))
	}
	return kgo.NewOffset().At(int64(number(from)))
}

// member is a consumer that polls in the background and keeps what arrives until it is taken.
type member struct {
	client   *kgo.Client
	lock     sync.Mutex
	arrived  []string
	failure  error
	assigned map[string]bool
}

func join(name, text string, consume ...kgo.Opt) error {
	started := &member{assigned: map[string]bool{}}
	mark := func(is bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
			started.lock.Lock()
			defer started.lock.Unlock()
			for topic, partitions := range changed {
				for _, partition := range partitions {
					started.assigned[fmt.Sprintf("%s-%d", topic, partition)] = is
				}
			}
		}
	}
	consume = append(consume,
		kgo.OnPartitionsAssigned(mark(true)),
		kgo.OnPartitionsRevoked(mark(false)),
		kgo.OnPartitionsLost(mark(false)))
	return begin(name, started, options(text, consume...))
}

func begin(name string, started *member, opts []kgo.Opt) error {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	started.client = client
	lock.Lock()
	members[name] = started
	lock.Unlock()
	go started.poll()
	return nil
}

func (each *member) poll() {
	for {
		fetches := each.client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			return
		}
		each.lock.Lock()
		fetches.EachRecord(func(record *kgo.Record) {
			each.arrived = append(each.arrived, lineOf(record))
		})
		fetches.EachError(func(_ string, _ int32, err error) {
			// A group that lost its broker is joined again by itself.
			if session := (*kgo.ErrGroupSession)(nil); !errors.As(err, &session) {
				each.failure = err
			}
		})
		each.lock.Unlock()
	}
}

func (each *member) take(count int, timeout time.Duration) ([]string, error) {
	for end := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		each.lock.Lock()
		if len(each.arrived) >= count || each.failure != nil || time.Now().After(end) {
			break
		}
		each.lock.Unlock()
	}
	defer each.lock.Unlock()
	if each.failure != nil && len(each.arrived) == 0 {
		return nil, each.failure
	}
	count = min(count, len(each.arrived))
	taken := each.arrived[:count:count]
	each.arrived = each.arrived[count:]
	return taken, nil
}

func (each *member) assignment() string {
	each.lock.Lock()
	defer each.lock.Unlock()
	var names []string
	for name, is := range each.assigned {
		if is {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return strings.Join(names, ",")
}

func (each *member) leave() {
	each.client.Close()
}

func recordOf(text string) (*kgo.Record, error) {
	fields := strings.Split(text, ",")
	record := &kgo.Record{}
	if fields[0] != "" {
		record.Timestamp = time.UnixMilli(int64(number(fields[0])))
	}
	var err error
	if record.Key, err = decode(fields[1]); err != nil {
		return nil, err
	}
	if record.Value, err = decode(fields[2]); err != nil {
		return nil, err
	}
	for _, pair := range strings.Split(fields[3], ";") {
		name, text, found := strings.Cut(pair, ":")
		if !found {
			continue
		}
		value, err := decode(text)
		if err != nil {
			return nil, err
		}
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: value})
	}
	return record, nil
}

func lineOf(record *kgo.Record) string {
	var headers []string
	for _, header := range record.Headers {
		headers = append(headers, header.Key+":"+encode(header.Value))
	}
	return fmt.Sprintf("record\t%d\t%d\t%d\t%s\t%s\t%s", record.Partition, record.Offset,
		record.Timestamp.UnixMilli(), encode(record.Key), encode(record.Value),
		strings.Join(headers, ";"))
}

func encode(bytes []byte) string {
	if bytes == nil {
		return "-"
	}
	return base64.StdEncoding.EncodeToString(bytes)
}

func decode(text string) ([]byte, error) {
	if text == "-" {
		return nil, nil
	}
	return base64.StdEncoding.DecodeString(text)
}

func properties(text string) map[string]string {
	found := map[string]string{}
	for _, pair := range strings.Split(text, ",") {
		if name, value, isPair := strings.Cut(pair, "="); isPair {
			found[name] = value
		}
	}
	return found
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return value
}
