// The official Java client behind stdin and stdout, in the line protocol of client-program.ts:
// one request a line, each carried out in a thread of its own so that a reader can wait while a
// producer goes on. What differs between the releases of the client is in eras: of each class there,
// the one of the last era that the release has reached.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;

final class Driver {
  private final String bootstrapServers;
  private final PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  private final Map<String, Member> members = new ConcurrentHashMap<>();
  private final Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();

  private Driver(String bootstrapServers) {
    this.bootstrapServers = bootstrapServers;
  }

  public static void main(String[] args) throws Exception {
    var driver = new Driver(args[0]);
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      var fields = line.split("\t", -1);
      var thread = new Thread(() -> driver.serve(fields));
      thread.setDaemon(true);
      thread.start();
    }
    // Members are not asked to leave: the end of the program is how a test lets them die.
    System.exit(0);
  }

  private void serve(String[] fields) {
    var answer = new ArrayList<String>();
    try {
      carryOut(fields[1], Arrays.copyOfRange(fields, 2, fields.length), answer);
      answer.add("ok");
    } catch (Throwable thrown) {
      Throwable cause = thrown instanceof ExecutionException ? thrown.getCause() : thrown;
      answer.add("error\t" + cause.getClass().getSimpleName() + "\t"
          + String.valueOf(cause.getMessage()).replaceAll("[\t\r\n]", " "));
      if (!(cause instanceof org.apache.kafka.common.KafkaException)) cause.printStackTrace();
    }
    synchronized (out) {
      for (String one : answer) out.print(fields[0] + "\t" + one + "\n");
      out.flush();
    }
  }

  private void carryOut(String verb, String[] args, List<String> answer) throws Exception {
    switch (verb) {
      case "create":
        Topics.create(bootstrapServers, args[0], Integer.parseInt(args[1]), properties(args[2]));
        break;
      case "delete":
        Topics.delete(bootstrapServers, args[0]);
        break;
      case "produce":
        produce(args, answer);
        break;
      case "transact":
        transact(args, answer);
        break;
      case "offset":
        answer.add("offset\t" + offsetAt(args[0], Integer.parseInt(args[1]), args[2]));
        break;
      case "assign": {
        var partition = new TopicPartition(args[1], Integer.parseInt(args[2]));
        members.put(args[0], Member.assigned(configs(args[4]), partition, args[3]));
        break;
      }
      case "join":
        members.put(args[0], Member.joining(configs(args[3]), args[1], args[2]));
        break;
      case "take":
        member(args[0]).take(Integer.parseInt(args[1]), Long.parseLong(args[2]), answer);
        break;
      case "assignment":
        answer.add("assignment\t" + member(args[0]).assignment());
        break;
      case "commit":
        member(args[0]).commit();
        break;
      case "leave":
        member(args[0]).leave();
        members.remove(args[0]);
        break;
      default:
        throw new IllegalArgumentException(verb);
    }
  }

  private Member member(String name) {
    return members.get(name);
  }

  private long offsetAt(String topic, int index, String from) {
    var configs = configs("");
    configs.put("group.id", "interop-assigned");
    try (var consumer = new KafkaConsumer<byte[], byte[]>(configs)) {
      var partition = new TopicPartition(topic, index);
      consumer.assign(List.of(partition));
      Positions.seek(consumer, partition, from);
      return consumer.position(partition);
    }
  }

  /** Topic, partition, codec, acks, properties, records; a producer is kept for every setting. */
  private void produce(String[] args, List<String> answer) throws Exception {
    var configs = configs(args[4]);
    configs.put("compression.type", args[2]);
    configs.put("acks", args[3]);
    // What is sent together goes in one batch: flush() is what ends the lingering.
    configs.putIfAbsent("linger.ms", "5000");
    configs.putIfAbsent("batch.size", "1000000");
    KafkaProducer<byte[], byte[]> producer;
    synchronized (producers) {
      producer = producers.computeIfAbsent(configs.toString(), key -> new KafkaProducer<>(configs));
    }
    var sent = new ArrayList<Future<RecordMetadata>>();
    for (int index = 5; index < args.length; index++) {
      var text = Bytes.record(args[index]);
      sent.add(producer.send(Records.record(args[0], Integer.parseInt(args[1]), text)));
    }
    producer.flush();
    for (var one : sent) answer.add("offset\t" + one.get().offset());
  }

  /** Topic, partition, transactional id, properties, records. */
  private void transact(String[] args, List<String> answer) throws Exception {
    var configs = configs(args[3]);
    configs.put("transactional.id", args[2]);
    var records = new ArrayList<ProducerRecord<byte[], byte[]>>();
    for (int index = 4; index < args.length; index++) {
      var text = Bytes.record(args[index]);
      records.add(Records.record(args[0], Integer.parseInt(args[1]), text));
    }
    for (long offset : Transactions.commit(configs, records)) answer.add("offset\t" + offset);
  }

  private Map<String, Object> configs(String more) {
    var configs = new HashMap<String, Object>();
    configs.put("bootstrap.servers", bootstrapServers);
    for (String kind : List.of("key", "value")) {
      String common = "org.apache.kafka.common.serialization.ByteArray";
      configs.put(kind + ".serializer", common + "Serializer");
      configs.put(kind + ".deserializer", common + "Deserializer");
    }
    configs.put("enable.auto.commit", "false");
    configs.putAll(properties(more));
    return configs;
  }

  private static Map<String, String> properties(String text) {
    var properties = new HashMap<String, String>();
    for (String pair : text.isEmpty() ? new String[0] : text.split(",")) {
      var parts = pair.split("=", 2);
      properties.put(parts[0], parts[1]);
    }
    return properties;
  }
}
