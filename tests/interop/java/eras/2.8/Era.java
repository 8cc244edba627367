// The client since 2.0, whose time-outs are durations (KIP-266); 4.0 dropped what was before.

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;

final class Era {
  private Era() {}

  static ProducerRecord<byte[], byte[]> record(String topic, int partition, Bytes.Outgoing record) {
    var made = new ProducerRecord<>(topic, partition, record.timestamp, record.key, record.value);
    for (var header : record.headers) made.headers().add(header.name, header.value);
    return made;
  }

  static long timestamp(ConsumerRecord<byte[], byte[]> record) {
    return record.timestamp();
  }

  static String text(ConsumerRecord<byte[], byte[]> record) {
    String headers = StreamSupport.stream(record.headers().spliterator(), false)
        .map(header -> header.key() + ":" + Bytes.encode(header.value()))
        .collect(Collectors.joining(";"));
    return Bytes.encode(record.key()) + "\t" + Bytes.encode(record.value()) + "\t" + headers;
  }

  static ConsumerRecords<byte[], byte[]> poll(KafkaConsumer<byte[], byte[]> consumer, long ms) {
    return consumer.poll(Duration.ofMillis(ms));
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

  static void create(String servers, String topic, int partitions, Map<String, String> configs)
      throws Exception {
    try (var admin = AdminClient.create(Map.of("bootstrap.servers", servers))) {
      var created = new NewTopic(topic, partitions, (short) 1).configs(configs);
      admin.createTopics(List.of(created)).all().get();
    }
  }

  static void delete(String servers, String topic) throws Exception {
    try (var admin = AdminClient.create(Map.of("bootstrap.servers", servers))) {
      admin.deleteTopics(List.of(topic)).all().get();
    }
  }
}
