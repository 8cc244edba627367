// Positions by offset.

import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

final class Positions {
  private Positions() {}

  static void seek(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, String from) {
    if (from.equals("beginning")) consumer.seekToBeginning(partition);
    else if (from.equals("end")) consumer.seekToEnd(partition);
    else consumer.seek(partition, Long.parseLong(from));
  }
}
