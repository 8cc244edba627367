// Apache Kafka's own controller classes, asked one question a line: replication, brokers and
// configuration of a cluster, without a quorum. Each answer is one line as well: what was answered,
// and how brokers and partitions are once its records are replayed.
//
//   java org.apache.kafka.controller.KafkaController   (the words of a line: see steps.ts)

package org.apache.kafka.controller;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AlterConfigOp.OpType;
import org.apache.kafka.common.DirectoryId;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.metadata.*;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.requests.ApiError;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.controller.metrics.QuorumControllerMetrics;
import org.apache.kafka.metadata.FinalizedControllerFeatures;
import org.apache.kafka.metadata.KafkaConfigSchema;
import org.apache.kafka.metadata.PartitionRegistration;
import org.apache.kafka.metadata.placement.ClusterDescriber;
import org.apache.kafka.metadata.placement.PlacementSpec;
import org.apache.kafka.metadata.placement.StripedReplicaPlacer;
import org.apache.kafka.metadata.placement.UsableBroker;
import org.apache.kafka.server.common.ApiMessageAndVersion;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.server.config.ConfigSynonym;
import org.apache.kafka.timeline.SnapshotRegistry;

public final class KafkaController {
  private static final String CLUSTER = "testClusterIdAAAAAAAAA";
  private static final List<String> KEYS =
      List.of("min.insync.replicas", "unclean.leader.election.enable");
  private static final int BROKERS_MAX = 8;

  private FeatureControlManager features;
  private ClusterControlManager cluster;
  private ConfigurationControlManager configs;
  private ReplicationControlManager replication;
  private long offset = 0;
  /** Broker epochs by id, the newest last. */
  private final Map<Integer, List<Long>> epochs = new HashMap<>();
  private final Map<String, Uuid> topics = new TreeMap<>();

  private KafkaController(boolean isElrEnabled) {
    var registry = new SnapshotRegistry(new LogContext());
    features = new FeatureControlManager.Builder()
        .setSnapshotRegistry(registry)
        .setQuorumFeatures(new QuorumFeatures(0, QuorumFeatures.defaultSupportedFeatureMap(true),
            List.of(0)))
        .build();
    feature(MetadataVersion.FEATURE_NAME, MetadataVersion.IBP_4_0_IV3.featureLevel());
    feature("eligible.leader.replicas.version", (short) (isElrEnabled ? 1 : 0));
    cluster = new ClusterControlManager.Builder()
        .setClusterId(CLUSTER)
        .setTime(Time.SYSTEM)
        .setSnapshotRegistry(registry)
        .setSessionTimeoutNs(Long.MAX_VALUE / 4)
        .setReplicaPlacer(new StripedReplicaPlacer(new Random(7)))
        .setFeatureControlManager(features)
        .setBrokerShutdownHandler((id, isClean, records) ->
            replication.handleBrokerShutdown(id, isClean, records))
        .setMetrics(new QuorumControllerMetrics(Optional.empty(), Time.SYSTEM, 9000))
        .build();
    configs = new ConfigurationControlManager.Builder()
        .setSnapshotRegistry(registry)
        .setFeatureControl(features)
        .setStaticConfig(Map.of())
        .setKafkaConfigSchema(schema())
        .build();
    replication = new ReplicationControlManager.Builder()
        .setSnapshotRegistry(registry)
        .setLogContext(new LogContext())
        .setMaxElectionsPerImbalance(Integer.MAX_VALUE)
        .setConfigurationControl(configs)
        .setClusterControl(cluster)
        .setFeatureControl(features)
        .build();
    cluster.activate();
  }

  private static KafkaConfigSchema schema() {
    var definition = new ConfigDef()
        .define(KEYS.get(0), ConfigDef.Type.INT, "1", ConfigDef.Importance.HIGH, "")
        .define(KEYS.get(1), ConfigDef.Type.BOOLEAN, "false", ConfigDef.Importance.HIGH, "");
    return new KafkaConfigSchema(
        Map.of(ConfigResource.Type.BROKER, definition, ConfigResource.Type.TOPIC, definition),
        KEYS.stream().collect(Collectors.toMap(key -> key, key -> List.of(new ConfigSynonym(key)))));
  }

  private void feature(String name, short level) {
    features.replay(new FeatureLevelRecord().setName(name).setFeatureLevel(level));
  }

  private <T> T commit(ControllerResult<T> result) {
    for (var each : result.records()) replay(each);
    return result.response();
  }

  private void replay(ApiMessageAndVersion each) {
    offset++;
    var message = each.message();
    if (message instanceof RegisterBrokerRecord record) cluster.replay(record, offset);
    else if (message instanceof UnregisterBrokerRecord record) cluster.replay(record);
    else if (message instanceof BrokerRegistrationChangeRecord record) cluster.replay(record);
    else if (message instanceof TopicRecord record) {
      topics.put(record.name(), record.topicId());
      names.put(record.topicId(), record.name());
      replication.replay(record);
    } else if (message instanceof PartitionRecord record) replication.replay(record);
    else if (message instanceof PartitionChangeRecord record) replication.replay(record);
    else if (message instanceof RemoveTopicRecord record) {
      var name = names.get(record.topicId());
      topics.remove(name);
      replication.replay(record);
      configs.deleteTopicConfigs(name);
    } else if (message instanceof ConfigRecord record) configs.replay(record);
    else if (message instanceof ClearElrRecord record) replication.replay(record);
    else throw new IllegalStateException(each.toString());
  }

  private final Map<Uuid, String> names = new HashMap<>();

  private static ControllerRequestContext context() {
    var header = new RequestHeaderData().setRequestApiVersion((short) 3);
    return new ControllerRequestContext(header, KafkaPrincipal.ANONYMOUS, OptionalLong.empty());
  }

  private String answer(String[] words) {
    try {
      return switch (words[0]) {
        case "register" -> register(words);
        case "fence" -> fence(Integer.parseInt(words[1]));
        case "heartbeat" -> heartbeat(words);
        case "unregister" -> {
          commit(replication.unregisterBroker(Integer.parseInt(words[1])));
          yield "NONE";
        }
        case "create" -> create(words);
        case "add" -> add(words);
        case "delete" -> delete(words[1]);
        case "alter" -> alter(words);
        case "elect" -> elect(words);
        case "reassign" -> reassign(words);
        case "directory" -> directory(words);
        case "balance" -> {
          commit(replication.maybeBalancePartitionLeaders());
          yield "NONE";
        }
        case "config" -> config(words);
        default -> throw new IllegalStateException(words[0]);
      };
    } catch (RuntimeException error) {
      var errors = Errors.forException(error);
      if (errors == Errors.UNKNOWN_SERVER_ERROR) return errors + " " + error;
      return errors.name();
    }
  }

  private static List<Integer> numbers(String word) {
    if (word.equals("-")) return List.of();
    return Arrays.stream(word.split(",")).map(Integer::parseInt).toList();
  }

  private static List<Uuid> directories(String word) {
    if (word.equals("-")) return List.of();
    return Arrays.stream(word.split(",")).map(KafkaController::directoryId).toList();
  }

  private static Uuid directoryId(String name) {
    return switch (name) {
      case "unassigned" -> DirectoryId.UNASSIGNED;
      case "lost" -> DirectoryId.LOST;
      case "migrating" -> DirectoryId.MIGRATING;
      default -> new Uuid(1000, Long.parseLong(name));
    };
  }

  private static String directoryName(Uuid id) {
    if (id.equals(DirectoryId.UNASSIGNED)) return "unassigned";
    if (id.equals(DirectoryId.LOST)) return "lost";
    if (id.equals(DirectoryId.MIGRATING)) return "migrating";
    return Long.toString(id.getLeastSignificantBits());
  }

  /** "now", "old" (of the registration before) or "none". */
  private long epoch(int brokerId, String which) {
    var all = epochs.getOrDefault(brokerId, List.of());
    var back = which.equals("old") ? 2 : 1;
    if (which.equals("none") || all.size() < back) return -1;
    return all.get(all.size() - back);
  }

  private String register(String[] words) {
    int id = Integer.parseInt(words[1]);
    var request = new BrokerRegistrationRequestData()
        .setBrokerId(id)
        .setClusterId(CLUSTER)
        .setIncarnationId(new Uuid(2000, Long.parseLong(words[2])))
        .setPreviousBrokerEpoch(epoch(id, words[3]))
        .setLogDirs(directories(words[4]));
    request.listeners().add(new BrokerRegistrationRequestData.Listener()
        .setName("PLAINTEXT").setHost("b" + id).setPort(9092).setSecurityProtocol((short) 0));
    request.features().add(new BrokerRegistrationRequestData.Feature()
        .setName(MetadataVersion.FEATURE_NAME)
        .setMinSupportedVersion((short) 7).setMaxSupportedVersion((short) 30));
    request.features().add(new BrokerRegistrationRequestData.Feature()
        .setName("eligible.leader.replicas.version")
        .setMinSupportedVersion((short) 0).setMaxSupportedVersion((short) 1));
    cluster.heartbeatManager().remove(id);
    var finalized = features.finalizedFeatures(Long.MAX_VALUE);
    var reply = commit(cluster.registerBroker(request, offset + 1000, finalized, true));
    offset += 2000;
    epochs.computeIfAbsent(id, any -> new ArrayList<>()).add(reply.epoch());
    return "NONE";
  }

  private String fence(int id) {
    var registration = cluster.registration(id);
    if (registration == null || registration.fenced()) return "NONE";
    var records = new ArrayList<ApiMessageAndVersion>();
    replication.handleBrokerFenced(id, records);
    cluster.heartbeatManager().fence(id);
    commit(ControllerResult.of(records, null));
    return "NONE";
  }

  private String heartbeat(String[] words) {
    int id = Integer.parseInt(words[1]);
    var request = new BrokerHeartbeatRequestData()
        .setBrokerId(id)
        .setBrokerEpoch(epoch(id, words[2]))
        .setCurrentMetadataOffset(words[3].equals("all") ? offset : -1)
        .setWantFence(words[4].contains("f"))
        .setWantShutDown(words[4].contains("s"))
        .setOfflineLogDirs(directories(words[5]));
    var registered = cluster.registerBrokerRecordOffset(id).orElse(Long.MAX_VALUE);
    var reply = commit(replication.processBrokerHeartbeat(request, registered));
    if (reply.inControlledShutdown()) {
      cluster.heartbeatManager().maybeUpdateControlledShutdownOffset(id, offset);
    }
    return "caughtUp " + reply.isCaughtUp() + " fenced " + reply.isFenced()
        + " shutDown " + reply.shouldShutDown();
  }

  private static String of(int code) {
    return Errors.forCode((short) code).name();
  }

  private String create(String[] words) {
    var topic = new CreateTopicsRequestData.CreatableTopic()
        .setName(words[1]).setNumPartitions(-1).setReplicationFactor((short) -1);
    int index = 0;
    for (var brokers : words[2].split("/")) {
      topic.assignments().add(new CreateTopicsRequestData.CreatableReplicaAssignment()
          .setPartitionIndex(index++).setBrokerIds(numbers(brokers)));
    }
    for (int i = 3; i < words.length; i++) {
      var pair = words[i].split("=");
      topic.configs().add(new CreateTopicsRequestData.CreatableTopicConfig()
          .setName(pair[0]).setValue(pair[1]));
    }
    var request = new CreateTopicsRequestData();
    request.topics().add(topic);
    var reply = commit(replication.createTopics(context(), request, Set.of(words[1]), false));
    return of(reply.topics().find(words[1]).errorCode());
  }

  private String add(String[] words) {
    var topic = new CreatePartitionsRequestData.CreatePartitionsTopic()
        .setName(words[1]).setCount(Integer.parseInt(words[2]));
    var assignments = new ArrayList<CreatePartitionsRequestData.CreatePartitionsAssignment>();
    for (var brokers : words[3].split("/")) {
      assignments.add(new CreatePartitionsRequestData.CreatePartitionsAssignment()
          .setBrokerIds(numbers(brokers)));
    }
    topic.setAssignments(assignments);
    return of(commit(replication.createPartitions(context(), List.of(topic))).get(0).errorCode());
  }

  private String delete(String name) {
    var id = topics.getOrDefault(name, Uuid.ONE_UUID);
    var reply = commit(replication.deleteTopics(context(), List.of(id)));
    return reply.get(id).error().name();
  }

  private String alter(String[] words) {
    var id = topics.getOrDefault(words[1], new Uuid(9, 9));
    int index = Integer.parseInt(words[2]);
    var partition = replication.getPartition(id, index);
    int leader = words[3].equals("leader")
        ? (partition == null ? 1 : partition.leader) : Integer.parseInt(words[3]);
    var data = new AlterPartitionRequestData.PartitionData()
        .setPartitionIndex(index)
        .setLeaderEpoch((partition == null ? 0 : partition.leaderEpoch) + Integer.parseInt(words[5]))
        .setPartitionEpoch(
            (partition == null ? 0 : partition.partitionEpoch) + Integer.parseInt(words[6]))
        .setLeaderRecoveryState(Byte.parseByte(words[7]));
    for (var member : words[4].split(",")) {
      var pair = member.split(":");
      int brokerId = Integer.parseInt(pair[0]);
      data.newIsrWithEpochs().add(new AlterPartitionRequestData.BrokerState()
          .setBrokerId(brokerId).setBrokerEpoch(epoch(brokerId, pair[1])));
    }
    var request = new AlterPartitionRequestData()
        .setBrokerId(leader).setBrokerEpoch(epoch(leader, "now"));
    var topic = new AlterPartitionRequestData.TopicData().setTopicId(id);
    topic.partitions().add(data);
    request.topics().add(topic);
    var reply = commit(replication.alterPartition(context(), request));
    var result = reply.topics().get(0).partitions().get(0);
    if (result.errorCode() != 0) return of(result.errorCode());
    return "NONE leader " + result.leaderId() + " epoch " + result.leaderEpoch()
        + " isr " + result.isr() + " partitionEpoch " + result.partitionEpoch()
        + " recovery " + result.leaderRecoveryState();
  }

  private String elect(String[] words) {
    var request = new ElectLeadersRequestData()
        .setElectionType((byte) (words[1].equals("preferred") ? 0 : 1));
    if (words[2].equals("all")) request.setTopicPartitions(null);
    else {
      request.topicPartitions().add(new ElectLeadersRequestData.TopicPartitions()
          .setTopic(words[2]).setPartitions(List.of(Integer.parseInt(words[3]))));
    }
    var reply = commit(replication.electLeaders(request));
    var results = new ArrayList<String>();
    for (var topic : reply.replicaElectionResults()) {
      for (var each : topic.partitionResult()) {
        results.add(topic.topic() + "-" + each.partitionId() + " " + of(each.errorCode()));
      }
    }
    return results.stream().sorted().collect(Collectors.joining(", "));
  }

  private String reassign(String[] words) {
    var partition = new AlterPartitionReassignmentsRequestData.ReassignablePartition()
        .setPartitionIndex(Integer.parseInt(words[2]))
        .setReplicas(words[3].equals("cancel") ? null : numbers(words[3]));
    var request = new AlterPartitionReassignmentsRequestData()
        .setAllowReplicationFactorChange(words[4].equals("any"));
    request.topics().add(new AlterPartitionReassignmentsRequestData.ReassignableTopic()
        .setName(words[1]).setPartitions(List.of(partition)));
    var reply = commit(replication.alterPartitionReassignments(request));
    return of(reply.responses().get(0).partitions().get(0).errorCode());
  }

  private String directory(String[] words) {
    int broker = Integer.parseInt(words[1]);
    var topic = new AssignReplicasToDirsRequestData.TopicData()
        .setTopicId(topics.getOrDefault(words[3], new Uuid(9, 9)))
        .setPartitions(List.of(new AssignReplicasToDirsRequestData.PartitionData()
            .setPartitionIndex(Integer.parseInt(words[4]))));
    var directory = new AssignReplicasToDirsRequestData.DirectoryData()
        .setId(directoryId(words[5])).setTopics(List.of(topic));
    var request = new AssignReplicasToDirsRequestData()
        .setBrokerId(broker).setBrokerEpoch(epoch(broker, words[2]))
        .setDirectories(List.of(directory));
    var reply = commit(replication.handleAssignReplicasToDirs(request));
    return of(reply.directories().get(0).topics().get(0).partitions().get(0).errorCode());
  }

  private String config(String[] words) {
    var isTopic = !words[1].equals("*");
    if (isTopic && !topics.containsKey(words[1])) return "UNKNOWN_TOPIC_OR_PARTITION";
    var resource = new ConfigResource(
        isTopic ? ConfigResource.Type.TOPIC : ConfigResource.Type.BROKER, isTopic ? words[1] : "");
    var op = words[3].equals("-")
        ? Map.entry(OpType.DELETE, "") : Map.entry(OpType.SET, words[3]);
    var reply = commit(configs.incrementalAlterConfigs(
        Map.of(resource, Map.of(words[2], op)), false, false));
    // What Kafka leaves to a thread, every unclean.leader.election.interval.ms.
    if (words[2].startsWith("unclean")) commit(replication.maybeElectUncleanLeaders());
    return reply.get(resource).error().name();
  }

  /** place PARTITIONS REPLICAS CHANCE BROKER:RACK|-:alive|fenced…; chance always falls alike. */
  private static String place(String[] words) {
    int chance = Integer.parseInt(words[3]);
    var random = new Random() {
      @Override
      public int nextInt(int bound) {
        return chance % bound;
      }
    };
    var brokers = new ArrayList<UsableBroker>();
    for (int i = 4; i < words.length; i++) {
      var parts = words[i].split(":");
      var rack = parts[1].equals("-") ? Optional.<String>empty() : Optional.of(parts[1]);
      brokers.add(new UsableBroker(Integer.parseInt(parts[0]), rack, parts[2].equals("fenced")));
    }
    var describer = new ClusterDescriber() {
      @Override
      public Iterator<UsableBroker> usableBrokers() {
        return brokers.iterator();
      }

      @Override
      public Uuid defaultDir(int brokerId) {
        return DirectoryId.UNASSIGNED;
      }
    };
    var spec = new PlacementSpec(
        0, Integer.parseInt(words[1]), Short.parseShort(words[2]));
    try {
      return new StripedReplicaPlacer(random).place(spec, describer).assignments().stream()
          .map(each -> each.replicas().stream().map(String::valueOf)
              .collect(Collectors.joining(",")))
          .collect(Collectors.joining(" "));
    } catch (RuntimeException error) {
      return Errors.forException(error).name();
    }
  }

  private static String text(int[] ids) {
    return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(","));
  }

  private static int[] sorted(int[] ids) {
    return Arrays.stream(ids).sorted().toArray();
  }

  private String state() {
    var parts = new ArrayList<String>();
    for (int id = 1; id <= BROKERS_MAX; id++) {
      var broker = cluster.registration(id);
      if (broker == null) continue;
      parts.add("b" + id + (broker.fenced() ? " fenced" : "")
          + (broker.inControlledShutdown() ? " stopping" : "")
          + " " + broker.directories().stream().map(KafkaController::directoryName).sorted()
              .collect(Collectors.joining(",")));
    }
    for (var topic : topics.entrySet()) {
      for (int index = 0; ; index++) {
        PartitionRegistration partition = replication.getPartition(topic.getValue(), index);
        if (partition == null) break;
        parts.add(topic.getKey() + "-" + index
            + " replicas " + text(partition.replicas)
            + " isr " + text(partition.isr)
            + " elr " + text(sorted(partition.elr))
            + " last " + text(partition.lastKnownElr)
            + " adding " + text(sorted(partition.addingReplicas))
            + " removing " + text(sorted(partition.removingReplicas))
            + " leader " + partition.leader
            + " epoch " + partition.leaderEpoch
            + " partitionEpoch " + partition.partitionEpoch
            + " recovery " + partition.leaderRecoveryState.value()
            + " dirs " + Arrays.stream(partition.directories)
                .map(KafkaController::directoryName).collect(Collectors.joining(",")));
      }
    }
    return String.join("; ", parts);
  }

  public static void main(String[] args) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    KafkaController controller = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      var words = line.split(" ");
      if (words[0].equals("place")) {
        System.out.println(place(words));
        continue;
      }
      if (words[0].equals("begin")) {
        controller = new KafkaController(words[1].equals("elr"));
        System.out.println("begun");
        continue;
      }
      System.out.println(controller.answer(words) + " | " + controller.state());
    }
  }
}
