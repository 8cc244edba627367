// What the transactional programs ask of the client, and how they speak with their tests: a line
// a step on stdout, and an end when stdin is closed.

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;

final class Configs {
  private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  private Configs() {}

  static Map<String, Object> of(String servers, String more) {
    var configs = new HashMap<String, Object>();
    configs.put("bootstrap.servers", servers);
    for (String kind : new String[] {"key", "value"}) {
      String common = "org.apache.kafka.common.serialization.String";
      configs.put(kind + ".serializer", common + "Serializer");
      configs.put(kind + ".deserializer", common + "Deserializer");
    }
    configs.put("enable.auto.commit", "false");
    configs.put("isolation.level", "read_committed");
    configs.put("auto.offset.reset", "earliest");
    for (String pair : more.isEmpty() ? new String[0] : more.split(",")) {
      var parts = pair.split("=", 2);
      configs.put(parts[0], parts[1]);
    }
    return configs;
  }

  /** A line is out before the next call to the client: the program may be killed in it. */
  static synchronized void say(String line) {
    OUT.print(line + "\n");
    OUT.flush();
  }

  static String nameOf(Throwable thrown) {
    return thrown.getClass().getSimpleName();
  }

  /** True once stdin is closed. */
  static BooleanSupplier ended() {
    var thread = new Thread(() -> {
      try {
        while (System.in.read() != -1) continue;
      } catch (IOException closed) {
        // As good as its end.
      }
    });
    thread.setDaemon(true);
    thread.start();
    return () -> !thread.isAlive();
  }

  /** A call that timed out is called again: the client goes on with the one it has begun. */
  static void untilAnswered(Runnable call) {
    for (;;) {
      try {
        call.run();
        return;
      } catch (TimeoutException | InterruptException again) {
        System.err.println(again);
      }
    }
  }

  /** A producer after an error that it cannot get over: its successor takes its id over. */
  static void abortOrDie(KafkaProducer<String, String> producer, String what) {
    try {
      untilAnswered(producer::abortTransaction);
    } catch (RuntimeException fatal) {
      say("fatal " + what + " " + nameOf(fatal));
      System.exit(2);
    }
  }
}
