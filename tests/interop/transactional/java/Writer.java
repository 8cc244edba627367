// Writes one transaction after another, each over several partitions of several topics, aborts
// every fifth, and says what it does before and after each call (see transaction-judge.ts).
//
//   Writer servers transactional-id incarnation topic:partitions,... properties

import java.util.List;
import java.util.Random;
import java.util.StringJoiner;
import java.util.ArrayList;
import java.util.Collections;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

final class Writer {
  private final Random random = new Random();
  private final KafkaProducer<String, String> producer;
  private final String name;
  private final List<TopicPartition> partitions = new ArrayList<>();

  private Writer(String[] args) {
    var configs = Configs.of(args[0], args[4]);
    configs.put("transactional.id", args[1]);
    configs.putIfAbsent("linger.ms", "1");
    producer = new KafkaProducer<>(configs);
    name = args[1] + "/" + args[2];
    for (String topic : args[3].split(",")) {
      var parts = topic.split(":");
      for (int index = 0; index < Integer.parseInt(parts[1]); index++) {
        partitions.add(new TopicPartition(parts[0], index));
      }
    }
  }

  public static void main(String[] args) throws Exception {
    BooleanSupplier isEnded = Configs.ended();
    var writer = new Writer(args);
    Configs.untilAnswered(writer.producer::initTransactions);
    for (int number = 0; !isEnded.getAsBoolean(); number++) {
      writer.write(number);
      Thread.sleep(writer.random.nextInt(40));
    }
    writer.producer.close();
    Configs.say("done");
    System.exit(0);
  }

  private void write(int number) {
    Collections.shuffle(partitions, random);
    var chosen = partitions.subList(0, 2 + random.nextInt(partitions.size() - 1));
    var counts = random.ints(chosen.size(), 1, 5).toArray();
    var plan = new StringJoiner(",");
    for (int at = 0; at < counts.length; at++) plan.add(chosen.get(at) + ":" + counts[at]);
    Configs.say("begin " + number + " " + plan);
    try {
      producer.beginTransaction();
      int index = 0;
      for (int at = 0; at < counts.length; at++) {
        var to = chosen.get(at);
        for (int each = 0; each < counts[at]; each++) {
          String value = name + "/" + number + "/" + index++;
          producer.send(new ProducerRecord<>(to.topic(), to.partition(), null, value));
        }
        // A transaction that is open for a while, some of its records being there already.
        if (random.nextInt(8) == 0) Thread.sleep(random.nextInt(60));
      }
      if (random.nextInt(5) == 0) {
        abort(number, "");
        return;
      }
      Configs.say("committing " + number);
      Configs.untilAnswered(producer::commitTransaction);
      Configs.say("committed " + number);
    } catch (KafkaException failed) {
      abort(number, " " + Configs.nameOf(failed));
    } catch (InterruptedException never) {
      throw new IllegalStateException(never);
    }
  }

  private void abort(int number, String why) {
    Configs.say("aborting " + number + why);
    Configs.abortOrDie(producer, String.valueOf(number));
    Configs.say("aborted " + number);
  }
}
