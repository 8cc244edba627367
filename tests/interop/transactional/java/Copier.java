// Consumes in a group, copies every record to the same partition of another topic, and commits
// what it consumed within the transaction in which it copied.
//
//   Copier servers transactional-id group input output properties

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

final class Copier {
  private final KafkaProducer<String, String> producer;
  private final KafkaConsumer<String, String> consumer;
  private final String output;

  private Copier(String[] args) {
    var configs = Configs.of(args[0], args[5]);
    configs.put("transactional.id", args[1]);
    configs.put("group.id", args[2]);
    // A producer warns of a consumer's configs and the other way round: neither minds them.
    producer = new KafkaProducer<>(configs);
    consumer = new KafkaConsumer<>(configs);
    consumer.subscribe(List.of(args[3]));
    output = args[4];
  }

  public static void main(String[] args) {
    BooleanSupplier isEnded = Configs.ended();
    var copier = new Copier(args);
    Configs.untilAnswered(copier.producer::initTransactions);
    while (!isEnded.getAsBoolean()) {
      var records = copier.consumer.poll(Duration.ofMillis(200));
      if (!records.isEmpty()) copier.copy(records);
    }
    copier.consumer.close();
    copier.producer.close();
    Configs.say("done");
    System.exit(0);
  }

  private void copy(ConsumerRecords<String, String> records) {
    var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
    try {
      producer.beginTransaction();
      for (var record : records) {
        var to = new ProducerRecord<>(output, record.partition(), record.key(), record.value());
        producer.send(to);
        offsets.put(
            new TopicPartition(record.topic(), record.partition()),
            new OffsetAndMetadata(record.offset() + 1));
      }
      producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
      Configs.untilAnswered(producer::commitTransaction);
      Configs.say("copied " + records.count());
    } catch (KafkaException failed) {
      Configs.say("aborting " + Configs.nameOf(failed));
      Configs.abortOrDie(producer, "copy");
      rewind();
    }
  }

  /** To what is committed: what was consumed in vain is consumed again. */
  private void rewind() {
    for (;;) {
      try {
        Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(consumer.assignment());
        for (var partition : consumer.assignment()) {
          var offset = committed.get(partition);
          if (offset == null) consumer.seekToBeginning(List.of(partition));
          else consumer.seek(partition, offset.offset());
        }
        return;
      } catch (KafkaException again) {
        Configs.say("rewinding " + Configs.nameOf(again));
      }
    }
  }
}
