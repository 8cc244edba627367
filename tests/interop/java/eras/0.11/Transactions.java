// A producer for one transaction (KIP-98).

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;

final class Transactions {
  private Transactions() {}

  /** Returns the offsets. */
  static List<Long> commit(
      Map<String, Object> configs, List<ProducerRecord<byte[], byte[]>> records) throws Exception {
    try (var producer = new KafkaProducer<byte[], byte[]>(configs)) {
      producer.initTransactions();
      producer.beginTransaction();
      var sent = new ArrayList<Future<RecordMetadata>>();
      for (var record : records) sent.add(producer.send(record));
      producer.commitTransaction();
      var offsets = new ArrayList<Long>();
      for (var one : sent) offsets.add(one.get().offset());
      return offsets;
    }
  }
}
