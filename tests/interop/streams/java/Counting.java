// Counts words with Kafka Streams, over all time and in windows, and writes every count that there
// ever was. Words come as word/number; both counts are of one repartition topic, their state is in
// memory and in changelog topics.
//
//   Counting servers application-id state-directory window-ms properties
//
// It says its states, and ends when stdin is closed. Until then it answers, as ClientProgram asks:
//
//   dump store        a line per key (key@window, if it is of windows) and its count

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.WindowStore;

final class Counting {
  private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);
  private static final String IN_MEMORY =
      "org.apache.kafka.streams.state.BuiltInDslStoreSuppliers$InMemoryDslStoreSuppliers";

  private Counting() {}

  public static void main(String[] args) throws Exception {
    var properties = properties(args);
    var streams = new KafkaStreams(topology(Long.parseLong(args[3])), properties);
    streams.setStateListener((now, before) -> say("state " + now));
    streams.setUncaughtExceptionHandler(Counting::die);
    streams.start();
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      var words = line.split("\t");
      for (var entry : dump(streams, words[2])) say(words[0] + "\t" + entry);
      say(words[0] + "\tok");
    }
    streams.close(Duration.ofSeconds(20));
    say("done");
    System.exit(0);
  }

  private static Properties properties(String[] args) {
    var properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("application.id", args[1]);
    properties.put("state.dir", args[2]);
    properties.put("dsl.store.suppliers.class", IN_MEMORY);
    properties.put("default.key.serde", Serdes.StringSerde.class);
    properties.put("default.value.serde", Serdes.StringSerde.class);
    for (String pair : args[4].split(",")) {
      var parts = pair.split("=", 2);
      properties.put(parts[0], parts[1]);
    }
    return properties;
  }

  /** Without caches, so that no count is passed over. */
  private static Topology topology(long windowMs) {
    var strings = Serdes.String();
    var builder = new StreamsBuilder();
    var byWord =
        builder.stream("words", Consumed.with(strings, strings))
            .groupBy((key, word) -> word.split("/")[0], Grouped.as("by-word"));
    byWord
        .count(
            Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as("counts")
                .withCachingDisabled())
        .toStream()
        .mapValues((word, count) -> word + " " + count)
        .to("counted", Produced.with(strings, strings));
    byWord
        .windowedBy(TimeWindows.ofSizeAndGrace(Duration.ofMillis(windowMs), Duration.ofHours(1)))
        .aggregate(
            () -> 0L,
            (word, value, count) -> count + 1,
            Materialized.<String, Long, WindowStore<Bytes, byte[]>>as("counts-of-windows")
                .withValueSerde(Serdes.Long())
                .withCachingDisabled())
        .toStream((window, count) -> nameOf(window))
        .mapValues((name, count) -> name + " " + count)
        .to("counted-in-windows", Produced.with(strings, strings));
    return builder.build();
  }

  private static String nameOf(Windowed<String> window) {
    return window.key() + "@" + window.window().start();
  }

  /** Asks again until the stores are restored. */
  private static List<String> dump(KafkaStreams streams, String store) throws InterruptedException {
    for (;;) {
      try {
        if (streams.state() == KafkaStreams.State.RUNNING) return entries(streams, store);
      } catch (InvalidStateStoreException restoring) {
        // As good as not running yet.
      }
      Thread.sleep(50);
    }
  }

  private static List<String> entries(KafkaStreams streams, String store) {
    var entries = new ArrayList<String>();
    if (store.endsWith("-of-windows")) {
      var type = QueryableStoreTypes.<String, Long>windowStore();
      try (var all = streams.store(StoreQueryParameters.fromNameAndType(store, type)).all()) {
        all.forEachRemaining((entry) -> entries.add(nameOf(entry.key) + "\t" + entry.value));
      }
    } else {
      var type = QueryableStoreTypes.<String, Long>keyValueStore();
      try (var all = streams.store(StoreQueryParameters.fromNameAndType(store, type)).all()) {
        all.forEachRemaining((entry) -> entries.add(entry.key + "\t" + entry.value));
      }
    }
    return entries;
  }

  private static synchronized void say(String line) {
    OUT.print(line + "\n");
    OUT.flush();
  }

  /** Its supervisor starts it again. */
  private static org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler
          .StreamThreadExceptionResponse
      die(Throwable thrown) {
    var cause = thrown;
    while (cause.getCause() != null) cause = cause.getCause();
    System.err.println(thrown);
    say("fatal streams " + cause.getClass().getSimpleName() + ": " + cause.getMessage());
    Runtime.getRuntime().halt(2);
    throw new IllegalStateException(thrown);
  }
}
