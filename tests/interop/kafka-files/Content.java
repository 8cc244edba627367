// What a node of Apache Kafka is filled with before its directories change hands, and a listing of
// everything that a broker serves: two brokers with the same content print the same text.
//
//   java Content HOST:PORT VERB...
//
//   write     topics of every kind, transactions, groups
//   more      some more of each, left without a flush
//   list      topics, configs, offsets, records, groups
//   finish    ends the transaction that `write` left open
//   churn     new records, and the groups go on where they were

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.quota.ClientQuotaAlteration;
import org.apache.kafka.common.quota.ClientQuotaEntity;

final class Content {
  private static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
  private static final int KEYS = 50;

  private final String servers;
  private final Admin admin;
  private final Map<String, KafkaConsumer<byte[], byte[]>> readers = new HashMap<>();

  private Content(String servers) {
    this.servers = servers;
    this.admin = Admin.create(properties());
  }

  public static void main(String[] args) throws Exception {
    var content = new Content(args[0]);
    for (int i = 1; i < args.length; i++) {
      switch (args[i]) {
        case "write": content.write(); break;
        case "more": content.more(); break;
        case "list": content.list(); break;
        case "finish": content.finish(); break;
        case "churn": content.churn(); break;
        default: throw new IllegalArgumentException(args[i]);
      }
    }
    // Transactions stay open and members do not leave: as a program that dies.
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private void write() throws Exception {
    for (String codec : CODECS) {
      create("codec-" + codec, 2, Map.of("segment.bytes", "1048576"));
      send("codec-" + codec, Map.of("compression.type", codec, "batch.size", "16384"), 600);
    }
    create("append-time", 1, Map.of("message.timestamp.type", "LogAppendTime"));
    send("append-time", Map.of("compression.type", "lz4"), 300);
    create("recompressed", 1, Map.of("compression.type", "zstd"));
    send("recompressed", Map.of("compression.type", "gzip"), 300);
    headers();
    compacted();
    deleted();
    transactions();
    groups();
    create("dropped", 3, Map.of());
    admin.deleteTopics(List.of("dropped")).all().get();
    configure();
  }

  private void headers() throws Exception {
    create("headers", 3, Map.of("retention.ms", "1234567890123", "max.message.bytes", "2000000"));
    try (var producer = producer(Map.of())) {
      for (int i = 0; i < 60; i++) {
        byte[] key = i % 5 == 0 ? null : bytes("key " + i);
        byte[] value = i % 7 == 0 ? null : i % 11 == 0 ? new byte[0] : bytes("value \u00e9\u4e16 " + i);
        var record = new ProducerRecord<>("headers", i % 3, 1_700_000_000_000L + i, key, value);
        for (int h = 0; h < i % 4; h++) record.headers().add("h" + h, h == 2 ? null : bytes("v" + h));
        producer.send(record).get();
      }
    }
  }

  private void compacted() throws Exception {
    create("compacted", 1, Map.of("cleanup.policy", "compact", "segment.bytes", "1048576",
        "min.cleanable.dirty.ratio", "0.01", "compression.type", "snappy"));
    var random = new Random(7);
    try (var producer = producer(Map.of())) {
      for (int i = 0; i < 1_200; i++) {
        byte[] value = new byte[3_000];
        random.nextBytes(value);
        var key = bytes("k" + i % KEYS);
        producer.send(new ProducerRecord<>("compacted", key, i % 100 == 99 ? null : value));
      }
    }
    var partition = new TopicPartition("compacted", 0);
    for (int tries = 0; ; tries++) {
      var seen = new int[1];
      read(partition, "read_uncommitted", record -> seen[0]++);
      if (seen[0] < 600) break;
      if (tries > 120) throw new IllegalStateException("the cleaner left " + seen[0] + " records");
      Thread.sleep(500);
    }
  }

  private void deleted() throws Exception {
    create("deleted", 2, Map.of());
    send("deleted", Map.of(), 200);
    admin.deleteRecords(Map.of(new TopicPartition("deleted", 1), RecordsToDelete.beforeOffset(37)))
        .all().get();
  }

  private void transactions() throws Exception {
    create("transactional", 2, Map.of());
    create("compacted-transactional", 1, Map.of("cleanup.policy", "compact",
        "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.01"));
    try (var producer = transactional("first", "none")) {
      for (int round = 0; round < 6; round++) transaction(producer, round, round % 3 != 1);
    }
    try (var producer = transactional("second", "zstd")) {
      transaction(producer, 100, true);
      transaction(producer, 101, false);
      producer.beginTransaction();
      producer.sendOffsetsToTransaction(
          Map.of(new TopicPartition("headers", 0), new OffsetAndMetadata(11, "in a transaction")),
          byTransaction());
      producer.commitTransaction();
    }
    // Left open: what follows it is not stable.
    var open = transactional("open", "none");
    open.beginTransaction();
    for (int i = 0; i < 10; i++) {
      open.send(new ProducerRecord<>("transactional", 0, bytes("open"), bytes("o" + i))).get();
    }
    send("transactional", Map.of(), 20);
  }

  private ConsumerGroupMetadata byTransaction() {
    var consumer = member("by-transaction", "classic");
    return consumer.groupMetadata();
  }

  private void transaction(KafkaProducer<byte[], byte[]> producer, int round, boolean commits)
      throws Exception {
    producer.beginTransaction();
    for (int i = 0; i < 20; i++) {
      var value = bytes((commits ? "committed " : "aborted ") + round + " " + i);
      producer.send(new ProducerRecord<>("transactional", i % 2, bytes("t" + i), value));
      producer.send(new ProducerRecord<>("compacted-transactional", bytes("c" + i), value));
    }
    producer.flush();
    if (commits) producer.commitTransaction();
    else producer.abortTransaction();
  }

  private void groups() throws Exception {
    for (String protocol : new String[] {"classic", "consumer"}) {
      try (var consumer = member(protocol + "-group", protocol)) {
        consumer.subscribe(List.of("headers", "codec-none"));
        drain(consumer, 60);
        consumer.commitSync();
      }
    }
    var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
    for (int i = 0; i < 3; i++) {
      offsets.put(new TopicPartition("headers", i),
          new OffsetAndMetadata(5 + i, Optional.of(0), "written by the administrator"));
    }
    admin.alterConsumerGroupOffsets("offsets-only", offsets).all().get();
    admin.alterConsumerGroupOffsets("deleted-group", offsets).all().get();
    admin.deleteConsumerGroups(List.of("deleted-group")).all().get();
    // Members that are there when the node stops.
    for (String protocol : new String[] {"classic", "consumer"}) {
      var consumer = member(protocol + "-dead", protocol);
      consumer.subscribe(List.of("headers"));
      drain(consumer, 20);
      consumer.commitSync();
    }
  }

  private void configure() throws Exception {
    var entity = new ClientQuotaEntity(Map.of(ClientQuotaEntity.CLIENT_ID, "limited"));
    var limit = new ClientQuotaAlteration.Op("producer_byte_rate", 12345678.0);
    admin.alterClientQuotas(List.of(new ClientQuotaAlteration(entity, List.of(limit)))).all().get();
    var all = new ConfigResource(ConfigResource.Type.BROKER, "");
    var set = new org.apache.kafka.clients.admin.AlterConfigOp(
        new ConfigEntry("log.retention.ms", "987654321000"),
        org.apache.kafka.clients.admin.AlterConfigOp.OpType.SET);
    admin.incrementalAlterConfigs(Map.of(all, List.of(set))).all().get();
  }

  private void more() throws Exception {
    for (String codec : CODECS) send("codec-" + codec, Map.of("compression.type", codec), 300);
    send("append-time", Map.of(), 50);
    try (var producer = transactional("first", "lz4")) {
      transaction(producer, 200, true);
      transaction(producer, 201, false);
    }
  }

  private void finish() throws Exception {
    try (var producer = transactional("open", "none")) {
      transaction(producer, 300, true);
    }
    try (var producer = transactional("first", "gzip")) {
      transaction(producer, 301, false);
      transaction(producer, 302, true);
    }
  }

  private void churn() throws Exception {
    for (String codec : CODECS) send("codec-" + codec, Map.of("compression.type", codec), 100);
    send("append-time", Map.of(), 50);
    send("headers", Map.of(), 30);
    for (String protocol : new String[] {"classic", "consumer"}) {
      try (var consumer = member(protocol + "-group", protocol)) {
        consumer.subscribe(List.of("headers", "codec-none"));
        // What was committed is not seen again.
        drain(consumer, 130);
        consumer.commitSync();
      }
    }
    create("new", 2, Map.of("retention.ms", "55555555555"));
    send("new", Map.of(), 40);
  }

  private void list() throws Exception {
    var topics = new TreeMap<>(admin.describeTopics(admin.listTopics().names().get())
        .allTopicNames().get());
    for (var topic : topics.values()) {
      print("topic", topic.name(), topic.topicId(), topic.partitions().size());
      configs(new ConfigResource(ConfigResource.Type.TOPIC, topic.name()));
    }
    configs(new ConfigResource(ConfigResource.Type.BROKER, ""));
    for (var topic : topics.values()) {
      for (int i = 0; i < topic.partitions().size(); i++) {
        var partition = new TopicPartition(topic.name(), i);
        var info = topic.partitions().get(i);
        print("leader", partition, info.leader().id(), info.replicas().size(), info.isr().size());
        long newest = -1;
        for (String isolation : new String[] {"read_uncommitted", "read_committed"}) {
          var newestOf = new long[] {-1};
          read(partition, isolation, record -> {
            newestOf[0] = Math.max(newestOf[0], record.timestamp());
            print(isolation.substring(5), text(record));
          });
          newest = Math.max(newest, newestOf[0]);
        }
        // In compacted logs Kafka does not find the time of every record that is there, and it
        // finds records that DeleteRecords removed.
        boolean isWhole = !topic.name().matches("compacted.*|deleted");
        if (newest >= 0 && isWhole) times(partition, newest);
      }
    }
    offsets();
  }

  private void times(TopicPartition partition, long newest) throws Exception {
    var specs = List.of(OffsetSpec.forTimestamp(newest), OffsetSpec.forTimestamp(newest - 50),
        OffsetSpec.maxTimestamp(), OffsetSpec.earliest(), OffsetSpec.latest());
    for (int i = 0; i < specs.size(); i++) {
      var found = admin.listOffsets(Map.of(partition, specs.get(i))).all().get().get(partition);
      // The epoch of the end is the leader's own, which begins when it starts.
      var epoch = i == specs.size() - 1 ? "-" : found.leaderEpoch();
      print("offset", partition, i, found.offset(), found.timestamp(), epoch);
    }
  }

  private void configs(ConfigResource resource) throws Exception {
    var entries = admin.describeConfigs(List.of(resource)).all().get().get(resource).entries();
    var sorted = new TreeSet<String>();
    for (var entry : entries) {
      boolean isOwn = entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG
          || entry.source() == ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG
              && resource.type() == ConfigResource.Type.BROKER;
      if (isOwn) sorted.add(entry.name() + "=" + entry.value());
    }
    print("config", resource.name(), sorted);
  }

  private void offsets() throws Exception {
    var groups = new TreeMap<String, String>();
    for (var group : admin.listGroups().all().get()) {
      groups.put(group.groupId(), group.type().map(Object::toString).orElse("-"));
    }
    for (var group : groups.entrySet()) {
      print("group", group.getKey(), group.getValue());
      var committed = admin.listConsumerGroupOffsets(group.getKey())
          .partitionsToOffsetAndMetadata().get();
      var sorted = new TreeMap<String, OffsetAndMetadata>();
      committed.forEach((partition, offset) -> sorted.put(partition.toString(), offset));
      sorted.forEach((partition, offset) -> print("committed offset", group.getKey(), partition,
          offset.offset(), offset.leaderEpoch(), offset.metadata()));
    }
    var quotas = admin.describeClientQuotas(
        org.apache.kafka.common.quota.ClientQuotaFilter.all()).entities().get();
    quotas.forEach((entity, values) -> print("quota", entity.entries(), values));
  }

  private static String text(ConsumerRecord<byte[], byte[]> record) {
    var headers = new ArrayList<String>();
    for (Header header : record.headers()) headers.add(header.key() + ":" + text(header.value()));
    return record.topic() + "-" + record.partition() + " " + record.offset() + " "
        + record.timestampType() + " " + record.timestamp() + " " + record.leaderEpoch() + " "
        + text(record.key()) + " " + text(record.value()) + " " + headers;
  }

  /** Long values by their sum, which is enough to tell them apart. */
  private static String text(byte[] bytes) {
    if (bytes == null) return "-";
    if (bytes.length > 200) return bytes.length + "/" + java.util.Arrays.hashCode(bytes);
    return Base64.getEncoder().encodeToString(bytes);
  }

  private interface OnRecord {
    void accept(ConsumerRecord<byte[], byte[]> record);
  }

  private void read(TopicPartition partition, String isolation, OnRecord onRecord) {
    var consumer = readers.computeIfAbsent(isolation, level -> {
      var properties = properties();
      properties.put("isolation.level", level);
      properties.put("enable.auto.commit", "false");
      return consumer(properties);
    });
    consumer.assign(List.of(partition));
    consumer.seekToBeginning(List.of(partition));
    long end = consumer.endOffsets(List.of(partition)).get(partition);
    long deadline = System.currentTimeMillis() + 30_000;
    while (consumer.position(partition) < end) {
      for (var record : consumer.poll(Duration.ofMillis(200))) onRecord.accept(record);
      if (System.currentTimeMillis() > deadline) {
        throw new IllegalStateException(partition + " stops before " + end);
      }
    }
  }

  private static void drain(KafkaConsumer<byte[], byte[]> consumer, int count) {
    long deadline = System.currentTimeMillis() + 60_000;
    for (int seen = 0; seen < count; ) {
      seen += consumer.poll(Duration.ofMillis(200)).count();
      if (System.currentTimeMillis() > deadline) throw new IllegalStateException("only " + seen);
    }
  }

  private void create(String topic, int partitions, Map<String, String> configs) throws Exception {
    admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(configs)))
        .all().get();
  }

  private void send(String topic, Map<String, String> properties, int count) throws Exception {
    var random = new Random(topic.hashCode());
    try (var producer = producer(properties)) {
      for (int i = 0; i < count; i++) {
        byte[] value = bytes(("value " + i + " ").repeat(1 + random.nextInt(100)));
        producer.send(new ProducerRecord<>(topic, bytes("key " + i), value));
      }
    }
  }

  private KafkaProducer<byte[], byte[]> transactional(String id, String codec) {
    var producer = producer(Map.of("transactional.id", id, "compression.type", codec,
        "transaction.timeout.ms", "900000"));
    producer.initTransactions();
    return producer;
  }

  private KafkaProducer<byte[], byte[]> producer(Map<String, String> more) {
    var properties = properties();
    properties.put("linger.ms", "5");
    properties.putAll(more);
    var bytes = new org.apache.kafka.common.serialization.ByteArraySerializer();
    return new KafkaProducer<>(properties, bytes, bytes);
  }

  private KafkaConsumer<byte[], byte[]> member(String group, String protocol) {
    var properties = properties();
    properties.put("group.id", group);
    properties.put("group.protocol", protocol);
    properties.put("enable.auto.commit", "false");
    properties.put("auto.offset.reset", "earliest");
    properties.put("max.poll.records", "100");
    return consumer(properties);
  }

  private static KafkaConsumer<byte[], byte[]> consumer(Properties properties) {
    var bytes = new org.apache.kafka.common.serialization.ByteArrayDeserializer();
    return new KafkaConsumer<>(properties, bytes, bytes);
  }

  private Properties properties() {
    var properties = new Properties();
    properties.put("bootstrap.servers", servers);
    // A fetch at the end of a partition holds up the next partition for as long as it waits.
    properties.put("fetch.max.wait.ms", "20");
    return properties;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void print(Object... fields) {
    var texts = new ArrayList<String>();
    for (Object field : fields) texts.add(String.valueOf(field));
    System.out.println(String.join(" ", texts));
  }
}
