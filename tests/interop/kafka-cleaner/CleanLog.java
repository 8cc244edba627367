// Kafka's own cleaner on a log folder, without a broker: CleanLog FOLDER, then per cleaning
// the time in ms, the first dirty and the first uncleanable offset, joined by commas.

import java.io.File;
import java.util.Optional;
import java.util.Properties;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.util.KafkaScheduler;
import org.apache.kafka.storage.internals.log.Cleaner;
import org.apache.kafka.storage.internals.log.LogConfig;
import org.apache.kafka.storage.internals.log.LogDirFailureChannel;
import org.apache.kafka.storage.internals.log.LogToClean;
import org.apache.kafka.storage.internals.log.ProducerStateManagerConfig;
import org.apache.kafka.storage.internals.log.SkimpyOffsetMap;
import org.apache.kafka.storage.internals.log.UnifiedLog;
import org.apache.kafka.storage.internals.utils.Throttler;
import org.apache.kafka.storage.log.metrics.BrokerTopicStats;

public class CleanLog {
  public static void main(String[] args) throws Exception {
    Properties properties = new Properties();
    properties.put("cleanup.policy", "compact");
    properties.put("internal.segment.bytes", "20000");
    properties.put("index.interval.bytes", "500");
    properties.put("delete.retention.ms", "3600000");
    properties.put("file.delete.delay.ms", "0");
    KafkaScheduler scheduler = new KafkaScheduler(1);
    scheduler.startup();
    Time time = Time.SYSTEM;
    UnifiedLog log = UnifiedLog.create(
        new File(args[0]), new LogConfig(properties), 0L, Long.MAX_VALUE, scheduler,
        new BrokerTopicStats(), time, 900_000,
        new ProducerStateManagerConfig(Integer.MAX_VALUE, false), 600_000,
        new LogDirFailureChannel(1), true, Optional.empty());
    log.updateHighWatermark(log.logEndOffset());
    Throttler throttler = new Throttler(Double.MAX_VALUE, 300, "cleaner", "bytes", time);
    Cleaner cleaner = new Cleaner(
        0, new SkimpyOffsetMap(5_000_000), 262_144, 1_048_588, 0.9, throttler, time,
        partition -> { });
    for (int i = 1; i < args.length; i++) {
      String[] fields = args[i].split(",");
      LogToClean dirty = new LogToClean(
          log, Long.parseLong(fields[1]), Long.parseLong(fields[2]), false);
      System.out.println(cleaner.doClean(dirty, Long.parseLong(fields[0])).getKey());
    }
    log.close();
    scheduler.shutdown();
    // The scheduler's threads would keep the process.
    System.exit(0);
  }
}
