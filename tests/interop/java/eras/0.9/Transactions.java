// The client knows none yet.

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;

final class Transactions {
  private Transactions() {}

  static List<Long> commit(
      Map<String, Object> configs, List<ProducerRecord<byte[], byte[]>> records) {
    throw new UnsupportedOperationException();
  }
}
