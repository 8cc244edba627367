// Records with a timestamp (KIP-32).

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

final class Records {
  private Records() {}

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, Bytes.Outgoing record) {
    return new ProducerRecord<>(topic, partition, record.timestamp, record.key, record.value);
  }

  static long timestamp(ConsumerRecord<byte[], byte[]> record) {
    return record.timestamp();
  }

  static String text(ConsumerRecord<byte[], byte[]> record) {
    return Bytes.encode(record.key()) + "\t" + Bytes.encode(record.value()) + "\t";
  }
}
