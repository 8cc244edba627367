// Topics by the admin client (KIP-117).

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.AdminClient;
import org.apache.kafka.clients.admin.NewTopic;

final class Topics {
  private Topics() {}

  static void create(String servers, String topic, int partitions, Map<String, String> configs)
      throws Exception {
    try (var admin = AdminClient.create(Map.of("bootstrap.servers", servers))) {
      var created = new NewTopic(topic, partitions, (short) 1).configs(configs);
      admin.createTopics(List.of(created)).all().get();
    }
  }

  static void delete(String servers, String topic) throws Exception {
    try (var admin = AdminClient.create(Map.of("bootstrap.servers", servers))) {
      admin.deleteTopics(List.of(topic)).all().get();
    }
  }
}
