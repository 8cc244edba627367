"""librdkafka as a steady, idempotent producer: prints each acknowledged record in the words of
Kafka's VerifiableProducer, until it is told to stop by SIGTERM."""

import json
import signal
import sys
import time

from confluent_kafka import Producer

servers, topic, rate = sys.argv[1], sys.argv[2], float(sys.argv[3])
running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
producer = Producer(
    {
        "bootstrap.servers": servers,
        "enable.idempotence": "true",
        "acks": "all",
        "linger.ms": "5",
        "message.timeout.ms": "300000",
        "log_level": 0,
    }
)


def told(error, message):
    value = message.value().decode()
    if error is not None:
        line = {"name": "producer_send_error", "value": value, "message": str(error)}
    else:
        place = {"topic": topic, "partition": message.partition(), "offset": message.offset()}
        line = {"name": "producer_send_success", "value": value, **place}
    print(json.dumps(line), flush=True)


count = 0
began = time.monotonic()
while running:
    while running and time.monotonic() < began + count / rate:
        producer.poll(0.01)
    try:
        producer.produce(topic, str(count).encode(), key=str(count).encode(), on_delivery=told)
        count += 1
    except BufferError:
        producer.poll(0.1)
producer.flush(120)
