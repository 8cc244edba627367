// A producer, a consumer and an admin client of Kafka do a little work and print what they measure:
// a line each, with tabs between who, group, name, tags and description.

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class Metrics {
    public static void main(String[] args) throws Exception {
        String servers = args[0];
        String protocol = args[1];
        String topic = "metrics-" + protocol;
        Admin admin = Admin.create(Map.of("bootstrap.servers", servers, "client.id", "a"));
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
            Map.of("bootstrap.servers", servers, "client.id", "p", "transactional.id", "java"),
            new ByteArraySerializer(),
            new ByteArraySerializer());
        producer.initTransactions();
        producer.beginTransaction();
        for (int i = 0; i < 10; i++) {
            producer.send(new ProducerRecord<>(topic, new byte[10])).get();
        }
        producer.commitTransaction();
        KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers, "client.id", "c", "group.id", "java-" + protocol,
                "group.protocol", protocol, "auto.offset.reset", "earliest"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
        consumer.subscribe(List.of(topic));
        int count = 0;
        while (count < 10) count += consumer.poll(Duration.ofMillis(500)).count();
        consumer.commitSync();
        print("producer", producer.metrics());
        print("consumer", consumer.metrics());
        print("admin", admin.metrics());
        consumer.close();
        producer.close();
        admin.close();
    }

    private static void print(String who, Map<MetricName, ? extends Metric> metrics) {
        for (MetricName name : metrics.keySet()) {
            System.out.println(String.join("\t", who, name.group(), name.name(),
                String.join(",", new TreeMap<>(name.tags()).keySet()), name.description()));
        }
    }
}
