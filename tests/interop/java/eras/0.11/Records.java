// Records with a timestamp and headers (KIP-82).

import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

final class Records {
  private Records() {}

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
}
