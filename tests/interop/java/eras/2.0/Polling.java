// A time-out that is a duration (KIP-266).

import java.time.Duration;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;

final class Polling {
  private Polling() {}

  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long ms) {
    return consumer.poll(Duration.ofMillis(ms));
  }
}
