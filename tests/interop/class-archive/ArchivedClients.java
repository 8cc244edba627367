// Everything that the tests' Java programs do with a client, once: administer, send, commit a
// transaction, read in a group of either kind. See make.sh.
//
//   java ArchivedClients HOST:PORT TOPIC

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

final class ArchivedClients {
  /** Those that a release does not have are left out. */
  private static final List<String> PROGRAMS = List.of(
      "org.apache.kafka.streams.KafkaStreams",
      "org.apache.kafka.tools.DumpLogSegments",
      "org.apache.kafka.tools.TransactionalMessageCopier",
      "org.apache.kafka.tools.VerifiableProducer",
      "org.apache.kafka.tools.consumer.ConsoleConsumer");

  public static void main(String[] args) throws Exception {
    var servers = args[0];
    var topic = args[1];
    try (var admin = Admin.create(Map.of("bootstrap.servers", servers))) {
      admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
      produce(servers, topic, Map.of());
      produce(servers, topic, Map.of("transactional.id", topic));
      consume(servers, topic, "classic");
      consume(servers, topic, "consumer");
    }
    for (var program : PROGRAMS) {
      try {
        Class.forName(program);
      } catch (ClassNotFoundException left) {
        continue;
      }
    }
  }

  private static void produce(String servers, String topic, Map<String, String> more)
      throws Exception {
    var properties = new Properties();
    properties.put("bootstrap.servers", servers);
    properties.put("compression.type", "lz4");
    properties.putAll(more);
    var bytes = new ByteArraySerializer();
    try (var producer = new KafkaProducer<byte[], byte[]>(properties, bytes, bytes)) {
      if (!more.isEmpty()) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      producer.send(new ProducerRecord<>(topic, new byte[10], new byte[100])).get();
      if (!more.isEmpty()) producer.commitTransaction();
    }
  }

  private static void consume(String servers, String topic, String protocol) {
    var properties = new Properties();
    properties.put("bootstrap.servers", servers);
    properties.put("group.id", topic + "-" + protocol);
    properties.put("group.protocol", protocol);
    properties.put("auto.offset.reset", "earliest");
    var bytes = new ByteArrayDeserializer();
    try (var consumer = new KafkaConsumer<byte[], byte[]>(properties, bytes, bytes)) {
      consumer.subscribe(List.of(topic));
      for (int turns = 0; turns < 300; turns++) {
        if (!consumer.poll(Duration.ofMillis(100)).isEmpty()) break;
      }
      consumer.commitSync();
    }
  }
}
