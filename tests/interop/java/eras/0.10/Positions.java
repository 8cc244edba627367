// Positions by offset or by timestamp (KIP-79).

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

final class Positions {
  private Positions() {}

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
}
