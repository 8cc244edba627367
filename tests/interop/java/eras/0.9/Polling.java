// A time-out of milliseconds, gone since 4.0.

import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;

final class Polling {
  private Polling() {}

  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long ms) {
    return consumer.poll(ms);
  }
}
