// Without an admin client a topic is created by asking for it.

import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;

final class Topics {
  private Topics() {}

  /** Asking for the metadata of a topic creates it. */
  static void create(String servers, String topic, int partitions, Map<String, String> configs) {
    var bytes = "org.apache.kafka.common.serialization.ByteArraySerializer";
    try (var producer = new KafkaProducer<byte[], byte[]>(Map.of(
        "bootstrap.servers", servers, "key.serializer", bytes, "value.serializer", bytes))) {
      producer.partitionsFor(topic);
    }
  }

  static void delete(String servers, String topic) {
    throw new UnsupportedOperationException();
  }
}
