// The client of 0.10: timestamps (KIP-32, KIP-79), but no headers and no admin.

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

final class Era {
  private Era() {}

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, Bytes.Outgoing record) {
    return new ProducerRecord<>(topic, partition, record.timestamp, record.key, record.value);
  }

  static long timestamp(ConsumerRecord<byte[], byte[]> record) {
    return record.timestamp();
  }

  static String text(ConsumerRecord<byte[], byte[]> record) {
    return Bytes.encode(record.key()) + "\t" + Bytes.encode(record.value()) + "\t";
  }

  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long ms) {
    return consumer.poll(ms);
  }

  static void seek(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, String from) {
    if (from.equals("beginning")) {
      consumer.seekToBeginning(List.of(partition));
    } else if (from.equals("end")) {
      consumer.seekToEnd(List.of(partition));
    } else if (from.startsWith("@")) {
      long timestamp = Long.parseLong(from.substring(1));
      var found = consumer.offsetsForTimes(Map.of(partition, timestamp)).get(partition);
      if (found == null) consumer.seekToEnd(List.of(partition));
      else consumer.seek(partition, found.offset());
    } else {
      consumer.seek(partition, Long.parseLong(from));
    }
  }

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
