"""confluent-kafka's transactional programs; what they do and say is in ../java's.

  programs.py writer servers transactional-id incarnation topic:partitions,... properties
  programs.py copier servers transactional-id group input output properties
  programs.py transactor servers
"""

import os
import random
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

SERVERS = sys.argv[2]
output_lock = threading.Lock()


def say(line):
    with output_lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def configs_of(more):
    return {
        "bootstrap.servers": SERVERS,
        "log_level": 0,
        **dict(pair.split("=", 1) for pair in more.split(",") if pair),
    }


def producer_of(transactional_id, more):
    return Producer({**configs_of(more), "transactional.id": transactional_id})


def consumer_of(group, more):
    return Consumer({
        **configs_of(more),
        "group.id": group,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "earliest",
    })


def ended():
    """Is set once stdin is closed."""
    event = threading.Event()

    def wait():
        sys.stdin.read()
        event.set()

    threading.Thread(target=wait, daemon=True).start()
    return event


def until_answered(call):
    """A call that may be called again is: the client goes on with the one it has begun."""
    while True:
        try:
            return call(10)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise


def name_of(error):
    return error.args[0].name() if isinstance(error.args[0], KafkaError) else str(error)


def abort_or_die(producer, error, what):
    """After an error that a producer cannot get over its successor takes its id over."""
    if error is None or not error.args[0].fatal():
        try:
            until_answered(producer.abort_transaction)
            return
        except KafkaException as fatal:
            error = fatal
    say(f"fatal {what} {name_of(error)}")
    # Its threads have nothing left to tell.
    os._exit(2)


class Writer:
    def __init__(self, transactional_id, incarnation, topics, more):
        self.producer = producer_of(transactional_id, more)
        self.name = f"{transactional_id}/{incarnation}"
        counts = [topic.split(":") for topic in topics.split(",")]
        self.partitions = [(topic, index) for topic, count in counts for index in range(int(count))]

    def run(self):
        is_ended = ended()
        until_answered(self.producer.init_transactions)
        number = 0
        while not is_ended.is_set():
            self.write(number)
            number += 1
            time.sleep(random.random() * 0.04)
        say("done")

    def write(self, number):
        chosen = random.sample(self.partitions, random.randint(2, len(self.partitions)))
        plan = [(topic, index, random.randint(1, 4)) for topic, index in chosen]
        text = ",".join(f"{topic}-{index}:{count}" for topic, index, count in plan)
        say(f"begin {number} {text}")
        try:
            self.producer.begin_transaction()
            self.send(number, plan)
            if random.random() < 0.2:
                self.abort(number, None)
                return
            say(f"committing {number}")
            until_answered(self.producer.commit_transaction)
            say(f"committed {number}")
        except KafkaException as error:
            self.abort(number, error)

    def send(self, number, plan):
        index = 0
        for topic, partition, count in plan:
            for _ in range(count):
                value = f"{self.name}/{number}/{index}"
                self.producer.produce(topic, partition=partition, value=value)
                index += 1
            # A transaction that is open for a while, some of its records being there already.
            self.producer.poll(random.choice([0] * 7 + [random.random() * 0.06]))

    def abort(self, number, error):
        say(f"aborting {number}" + (f" {name_of(error)}" if error else ""))
        abort_or_die(self.producer, error, number)
        say(f"aborted {number}")


class Copier:
    def __init__(self, transactional_id, group, source, target, more):
        names = ["session.timeout.ms", "heartbeat.interval.ms", "group.protocol"]
        pairs = [pair for pair in more.split(",") if pair]
        of_consumer = [pair for pair in pairs if pair.split("=")[0] in names]
        of_producer = [pair for pair in pairs if pair not in of_consumer]
        self.producer = producer_of(transactional_id, ",".join(of_producer))
        self.consumer = consumer_of(group, ",".join(of_consumer))
        self.consumer.subscribe([source])
        self.target = target

    def run(self):
        is_ended = ended()
        until_answered(self.producer.init_transactions)
        while not is_ended.is_set():
            messages = [one for one in self.consumer.consume(100, 0.2) if one.error() is None]
            if messages:
                self.copy(messages)
        self.consumer.close()
        say("done")

    def copy(self, messages):
        offsets = {}
        try:
            self.producer.begin_transaction()
            for one in messages:
                self.producer.produce(
                    self.target, partition=one.partition(), key=one.key(), value=one.value()
                )
                offsets[(one.topic(), one.partition())] = one.offset() + 1
            consumed = [TopicPartition(*where, offset) for where, offset in offsets.items()]
            metadata = self.consumer.consumer_group_metadata()
            until_answered(
                lambda seconds: self.producer.send_offsets_to_transaction(consumed, metadata, seconds)
            )
            until_answered(self.producer.commit_transaction)
            say(f"copied {len(messages)}")
        except KafkaException as error:
            say(f"aborting {name_of(error)}")
            abort_or_die(self.producer, error, "copy")
            self.rewind()

    def rewind(self):
        """To what is committed: what was consumed in vain is consumed again."""
        while True:
            try:
                partitions = self.consumer.assignment()
                for one in self.consumer.committed(partitions, 10) if partitions else []:
                    if one.error is not None:
                        raise KafkaException(one.error)
                    # An offset of nothing (-1001) is where auto.offset.reset decides.
                    one.offset = one.offset if one.offset >= 0 else 0
                    self.consumer.seek(one)
                return
            except KafkaException as error:
                say(f"rewinding {name_of(error)}")
                # Lets a partition that has just been assigned or lost be so.
                time.sleep(0.1)


class Transactor:
    def __init__(self):
        self.producers = {}
        self.members = {}
        self.subscriptions = {}

    def run(self):
        for request in sys.stdin:
            fields = request.rstrip("\n").split("\t")
            threading.Thread(target=self.serve, args=(fields,), daemon=True).start()

    def serve(self, fields):
        try:
            answer = [*(self.carry_out(fields[1], *fields[2:]) or []), "ok"]
        except Exception as error:
            name = name_of(error) if isinstance(error, KafkaException) else type(error).__name__
            text = str(error).replace("\t", " ").replace("\n", " ")
            answer = [f"error\t{name}\t{text}"]
        say("\n".join(f"{fields[0]}\t{line}" for line in answer))

    def carry_out(self, verb, name, *args):
        if verb == "open":
            self.producers[name] = producer_of(args[0], args[1])
            return self.producers[name].init_transactions(30)
        if verb == "joined":
            return self.join(name, *args)
        if verb == "committed":
            partition = TopicPartition(self.subscriptions[name], 0)
            committed = self.members[name].committed([partition], 20)[0]
            return [f"offset\t{max(committed.offset, 0)}"]
        producer = self.producers[name]
        if verb == "begin":
            return producer.begin_transaction()
        if verb == "send":
            return self.send(producer, *args)
        if verb == "offsets":
            consumed = [TopicPartition(args[1], int(args[2]), int(args[3]))]
            metadata = self.members[args[0]].consumer_group_metadata()
            return producer.send_offsets_to_transaction(consumed, metadata, 30)
        if verb == "commit":
            return producer.commit_transaction(30)
        if verb == "abort":
            return producer.abort_transaction(30)
        if verb == "close":
            del self.producers[name]
            return None
        raise ValueError(verb)

    def join(self, name, group, topic, more):
        consumer = consumer_of(group, more)
        self.members[name] = consumer
        self.subscriptions[name] = topic
        consumer.subscribe([topic])
        while not consumer.assignment():
            consumer.poll(0.05)
        return ["member\t\t"]

    @staticmethod
    def send(producer, topic, partition, *values):
        reports = []
        for value in values:
            producer.produce(
                topic,
                partition=int(partition),
                value=value,
                on_delivery=lambda error, message: reports.append((error, message.offset())),
            )
        producer.flush(30)
        for error, _ in reports:
            if error is not None:
                raise KafkaException(error)
        if len(reports) < len(values):
            raise TimeoutError(f"{len(reports)} of {len(values)} records were acknowledged")
        return [f"offset\t{offset}" for _, offset in reports]


programs = {"writer": Writer, "copier": Copier, "transactor": Transactor}
programs[sys.argv[1]](*sys.argv[3:]).run()
