// Transactional producers behind stdin and stdout, in the line protocol of client-program.ts, one
// call of the client a request:
//
//   open producer transactional-id properties       begin, commit, abort, close producer
//   send producer topic partition value…            (their offsets come back, once they are there)
//   joined member group topic properties            (member id and generation come back)
//   committed member                                (its offset in partition 0)
//   offsets producer member topic partition offset
//   stale-offsets producer group generation member-id topic partition offset

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

final class Transactor {
  private static final Map<String, KafkaProducer<String, String>> PRODUCERS = new ConcurrentHashMap<>();
  private static final Map<String, KafkaConsumer<String, String>> MEMBERS = new ConcurrentHashMap<>();
  private static String servers;

  private Transactor() {}

  public static void main(String[] args) throws Exception {
    servers = args[0];
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      var fields = line.split("\t", -1);
      var thread = new Thread(() -> serve(fields));
      thread.setDaemon(true);
      thread.start();
    }
    System.exit(0);
  }

  private static void serve(String[] fields) {
    var answer = new ArrayList<String>();
    try {
      carryOut(fields[1], Arrays.copyOfRange(fields, 2, fields.length), answer);
      answer.add("ok");
    } catch (Throwable thrown) {
      Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
      String message = String.valueOf(cause.getMessage()).replaceAll("[\t\r\n]", " ");
      answer.add("error\t" + Configs.nameOf(cause) + "\t" + message);
    }
    answer.replaceAll(one -> fields[0] + "\t" + one);
    Configs.say(String.join("\n", answer));
  }

  private static void carryOut(String verb, String[] args, List<String> answer) throws Exception {
    if (verb.equals("open")) {
      var configs = Configs.of(servers, args[2]);
      configs.put("transactional.id", args[1]);
      var opened = new KafkaProducer<String, String>(configs);
      PRODUCERS.put(args[0], opened);
      opened.initTransactions();
      return;
    }
    if (verb.equals("joined")) {
      answer.add("member\t" + join(args));
      return;
    }
    if (verb.equals("committed")) {
      var member = MEMBERS.get(args[0]);
      var partition = new TopicPartition(member.subscription().iterator().next(), 0);
      var offset = member.committed(Set.of(partition)).get(partition);
      answer.add("offset\t" + (offset == null ? 0 : offset.offset()));
      return;
    }
    var producer = PRODUCERS.get(args[0]);
    switch (verb) {
      case "begin":
        producer.beginTransaction();
        break;
      case "send":
        send(producer, args, answer);
        break;
      case "offsets": {
        var member = MEMBERS.get(args[1]);
        sendOffsets(producer, args, 2, member.groupMetadata());
        break;
      }
      case "stale-offsets": {
        int generation = Integer.parseInt(args[2]);
        var stale = new ConsumerGroupMetadata(args[1], generation, args[3], Optional.empty());
        sendOffsets(producer, args, 4, stale);
        break;
      }
      case "commit":
        producer.commitTransaction();
        break;
      case "abort":
        producer.abortTransaction();
        break;
      case "close":
        PRODUCERS.remove(args[0]).close(Duration.ZERO);
        break;
      default:
        throw new IllegalArgumentException(verb);
    }
  }

  private static String join(String[] args) {
    var configs = Configs.of(servers, args[3]);
    configs.put("group.id", args[1]);
    var consumer = new KafkaConsumer<String, String>(configs);
    MEMBERS.put(args[0], consumer);
    consumer.subscribe(List.of(args[2]));
    while (consumer.assignment().isEmpty()) consumer.poll(Duration.ofMillis(50));
    var metadata = consumer.groupMetadata();
    return metadata.memberId() + "\t" + metadata.generationId();
  }

  private static void send(
      KafkaProducer<String, String> producer, String[] args, List<String> answer) throws Exception {
    var sent = new ArrayList<Future<RecordMetadata>>();
    for (int at = 3; at < args.length; at++) {
      sent.add(producer.send(new ProducerRecord<>(args[1], Integer.parseInt(args[2]), null, args[at])));
    }
    producer.flush();
    for (var one : sent) answer.add("offset\t" + one.get().offset());
  }

  private static void sendOffsets(
      KafkaProducer<String, String> producer, String[] args, int at, ConsumerGroupMetadata of) {
    var partition = new TopicPartition(args[at], Integer.parseInt(args[at + 1]));
    var offset = new OffsetAndMetadata(Long.parseLong(args[at + 2]));
    producer.sendOffsetsToTransaction(Map.of(partition, offset), of);
  }
}
