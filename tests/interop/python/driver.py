"""confluent-kafka (librdkafka) behind stdin and stdout, in the line protocol of client-program.ts.

One request a line, each carried out in a thread of its own so that a reader can wait while a
producer goes on. Properties are librdkafka's.
"""

import base64
import queue
import sys
import threading
import time

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    OFFSET_BEGINNING,
    OFFSET_END,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

SERVERS = sys.argv[1]
COMMON = {"bootstrap.servers": SERVERS, "log_level": 0}
# Kept: what it was asked for is called off when an admin client goes out of reach.
ADMIN = AdminClient(COMMON)
output_lock = threading.Lock()
producers = {}
producers_lock = threading.Lock()
members = {}


def encode(data):
    if isinstance(data, str):
        data = data.encode()
    return "-" if data is None else base64.b64encode(data).decode()


def decode(text):
    return None if text == "-" else base64.b64decode(text)


def properties(text):
    return dict(pair.split("=", 1) for pair in text.split(",") if pair)


class Member(threading.Thread):
    """A consumer that polls in a thread of its own and keeps what arrives until it is taken."""

    def __init__(self, configs, start):
        super().__init__(daemon=True)
        self.consumer = Consumer({**COMMON, "enable.auto.commit": "false", **configs})
        self.begin = start
        self.tasks = queue.Queue()
        self.arrived = []
        self.changed = threading.Condition()
        self.assigned = []
        self.failure = None
        self.leaving = False
        self.start()

    def run(self):
        try:
            self.begin(self.consumer)
            while not self.leaving:
                self.poll_once()
                while not self.tasks.empty():
                    self.tasks.get()()
        except Exception as error:
            with self.changed:
                self.failure = error
                self.changed.notify_all()
        finally:
            self.consumer.close()

    def poll_once(self):
        messages = self.consumer.consume(500, 0.05)
        self.assigned = sorted(f"{p.topic}-{p.partition}" for p in self.consumer.assignment())
        with self.changed:
            for message in messages:
                error = message.error()
                if error is None:
                    self.arrived.append(line_of(message))
                elif not error.retriable() and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
            self.changed.notify_all()

    def take(self, count, timeout_ms):
        end = time.monotonic() + timeout_ms / 1000
        with self.changed:
            while len(self.arrived) < count and self.failure is None:
                left = end - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(left)
            if self.failure is not None and not self.arrived:
                raise self.failure
            taken, self.arrived = self.arrived[:count], self.arrived[count:]
            return taken

    def commit(self):
        """Commits the positions, in the thread of the consumer."""
        done = queue.Queue()

        def task():
            try:
                positions = self.consumer.position(self.consumer.assignment())
                known = [each for each in positions if each.offset >= 0]
                if known:
                    self.consumer.commit(offsets=known, asynchronous=False)
                done.put(None)
            except Exception as error:
                done.put(error)

        self.tasks.put(task)
        error = done.get(timeout=30)
        if error is not None:
            raise error

    def leave(self):
        self.leaving = True
        self.join()


def line_of(message):
    headers = ";".join(f"{name}:{encode(value)}" for name, value in message.headers() or [])
    place = [message.partition(), message.offset(), message.timestamp()[1]]
    record = [encode(message.key()), encode(message.value()), headers]
    return "\t".join(["record", *map(str, place), *record])


def first_offset(consumer, topic, partition, start):
    if start == "beginning":
        return OFFSET_BEGINNING
    if start == "end":
        return OFFSET_END
    if not start.startswith("@"):
        return int(start)
    wanted = [TopicPartition(topic, partition, int(start[1:]))]
    return consumer.offsets_for_times(wanted, timeout=20)[0].offset


def assign(name, topic, partition, start, configs):
    def begin(consumer):
        offset = first_offset(consumer, topic, int(partition), start)
        consumer.assign([TopicPartition(topic, int(partition), offset)])

    members[name] = Member({"group.id": "interop-assigned", **properties(configs)}, begin)


def join(name, group, topics, configs):
    configs = {"group.id": group, "auto.offset.reset": "earliest", **properties(configs)}
    members[name] = Member(configs, lambda consumer: consumer.subscribe(topics.split(",")))


def offset_at(topic, partition, start):
    consumer = Consumer({**COMMON, "group.id": "interop-assigned"})
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, int(partition)), timeout=20)
        offset = first_offset(consumer, topic, int(partition), start)
        return {OFFSET_BEGINNING: low, OFFSET_END: high}.get(offset, offset)
    finally:
        consumer.close()


def produce(topic, partition, codec, acks, configs, *records):
    producer = producer_of(codec, acks, properties(configs))
    reports = send(producer, topic, partition, records)
    producer.flush(30)
    return offsets_of(reports, records)


def transact(topic, partition, transactional_id, configs, *records):
    """By a producer of its own, in one transaction."""
    configs = {**COMMON, "transactional.id": transactional_id, **properties(configs)}
    producer = Producer(configs)
    producer.init_transactions(30)
    producer.begin_transaction()
    reports = send(producer, topic, partition, records)
    producer.commit_transaction(30)
    return offsets_of(reports, records)


def send(producer, topic, partition, records):
    reports = []
    for text in records:
        timestamp, key, value, headers = text.split(",")
        pairs = [pair.split(":") for pair in headers.split(";") if pair]
        producer.produce(
            topic,
            value=decode(value),
            key=decode(key),
            partition=int(partition),
            timestamp=int(timestamp or 0),
            headers=[(name, decode(each)) for name, each in pairs],
            on_delivery=lambda error, message: reports.append((error, message.offset())),
        )
    return reports


def offsets_of(reports, records):
    for error, _ in reports:
        if error is not None:
            raise KafkaException(error)
    if len(reports) < len(records):
        raise TimeoutError(f"{len(reports)} of {len(records)} records were acknowledged")
    return [f"offset\t{-1 if offset is None else offset}" for _, offset in reports]


def producer_of(codec, acks, more):
    configs = {**COMMON, "compression.codec": codec, "acks": acks, "linger.ms": "100", **more}
    with producers_lock:
        key = str(sorted(configs.items()))
        if key not in producers:
            producers[key] = Producer(configs)
        return producers[key]


def create(topic, partitions, configs):
    topics = [NewTopic(topic, int(partitions), 1, config=properties(configs))]
    ADMIN.create_topics(topics)[topic].result()


def carry_out(verb, args):
    if verb == "create":
        create(*args)
    elif verb == "delete":
        ADMIN.delete_topics(args)[args[0]].result()
    elif verb == "produce":
        return produce(*args)
    elif verb == "transact":
        return transact(*args)
    elif verb == "offset":
        return [f"offset\t{offset_at(*args)}"]
    elif verb == "assign":
        assign(*args)
    elif verb == "join":
        join(*args)
    elif verb == "take":
        return members[args[0]].take(int(args[1]), int(args[2]))
    elif verb == "assignment":
        member = members[args[0]]
        if member.failure is not None:
            raise member.failure
        return ["assignment\t" + ",".join(member.assigned)]
    elif verb == "commit":
        members[args[0]].commit()
    elif verb == "leave":
        members.pop(args[0]).leave()
    else:
        raise ValueError(verb)
    return []


def serve(fields):
    try:
        answer = [*carry_out(fields[1], fields[2:]), "ok"]
    except Exception as error:
        known = error.args and isinstance(error.args[0], KafkaError)
        name = error.args[0].name() if known else type(error).__name__
        text = str(error).replace("\t", " ").replace("\n", " ")
        answer = [f"error\t{name}\t{text}"]
    with output_lock:
        for line in answer:
            sys.stdout.write(f"{fields[0]}\t{line}\n")
        sys.stdout.flush()


for request in sys.stdin:
    arguments = request.rstrip("\n").split("\t")
    threading.Thread(target=serve, args=(arguments,), daemon=True).start()
