// A producer whose first batch of each round is too large for its topic, so that it is split while
// those behind it are on their way. A round begins with a line that is read, and says how many
// records were acknowledged, how many were given up without an answer, and how many refused.
//
//   java Split HOST:PORT TOPIC BATCH_SIZE LINGER_MS RECORDS RECORD_SIZE

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArraySerializer;

final class Split {
  public static void main(String[] args) throws Exception {
    var properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("batch.size", args[2]);
    properties.put("linger.ms", args[3]);
    properties.put("request.timeout.ms", "5000");
    properties.put("delivery.timeout.ms", "6000");
    properties.put("key.serializer", ByteArraySerializer.class.getName());
    properties.put("value.serializer", ByteArraySerializer.class.getName());
    var count = Integer.parseInt(args[4]);
    var value = new byte[Integer.parseInt(args[5])];
    var rounds = new BufferedReader(new InputStreamReader(System.in));
    try (var producer = new KafkaProducer<byte[], byte[]>(properties)) {
      while (rounds.readLine() != null) {
        var acknowledged = new AtomicInteger();
        var unknown = new AtomicInteger();
        var refused = new AtomicInteger();
        for (int i = 0; i < count; i++) {
          producer.send(new ProducerRecord<>(args[1], 0, null, value), (metadata, error) ->
              (error == null ? acknowledged : error instanceof TimeoutException ? unknown : refused)
                  .incrementAndGet());
        }
        producer.flush();
        System.out.println(acknowledged + " " + unknown + " " + refused);
      }
    }
  }
}
