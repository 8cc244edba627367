// Opens log folders with Kafka's own code and prints which batches it serves of each: a line with
// the folder and the base offsets, or with the folder and why it did not open.
//
//   OpenLogs FOLDER,CLEAN,RECOVERY_POINT,OFFSETS ...

import java.io.File;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.server.storage.log.FetchIsolation;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

public class OpenLogs {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("internal.segment.bytes", "6000");
    properties.put("index.interval.bytes", "500");
    KafkaScheduler scheduler = new KafkaScheduler(1);
    scheduler.startup();
    for (String arg : args) {
      String[] fields = arg.split(",");
      try {
        UnifiedLog log = UnifiedLog.create(
            new File(fields[0]), new LogConfig(properties), 0L, Long.parseLong(fields[2]),
            scheduler, new BrokerTopicStats(), Time.SYSTEM, 900_000,
            new ProducerStateManagerConfig(Integer.MAX_VALUE, false), 600_000,
            new LogDirFailureChannel(1), Boolean.parseBoolean(fields[1]), Optional.empty());
        System.out.println(fields[0] + " " + served(log, Long.parseLong(fields[3])));
      } catch (Throwable failure) {
        String reason = String.valueOf(failure).replaceAll("\\s+", " ");
        System.out.println(fields[0] + " does not open: " + reason);
      }
    }
    // The scheduler's threads would keep the process.
    System.exit(0);
  }

  private static TreeSet<Long> served(UnifiedLog log, long end) {
    TreeSet<Long> offsets = new TreeSet<>();
    for (long offset = 0; offset < end; offset++) {
      if (offsets.contains(offset)) continue;
      try {
        var read = log.read(offset, 1_000_000, FetchIsolation.LOG_END, true);
        for (RecordBatch batch : read.records.batches()) {
          batch.ensureValid();
          // The checksum does not cover the offset: a reader who takes a wrong one for the
          // record's is led past what follows.
          String value = new String(Utils.toArray(batch.iterator().next().value()));
          if (!value.startsWith("value " + batch.baseOffset() + " ")) break;
          offsets.add(batch.baseOffset());
        }
      } catch (Exception damaged) {
        // A reader goes on behind it.
      }
    }
    return offsets;
  }
}
