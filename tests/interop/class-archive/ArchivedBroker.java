// A broker of one, with the clients of its release in the same process; says "serving HOST:PORT"
// then, and ends when its input does. See make.sh.
//
//   java ArchivedBroker FOLDER

import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.common.utils.Exit;

final class ArchivedBroker {
  public static void main(String[] args) throws Exception {
    var folder = Path.of(args[0]);
    var file = folder.resolve("server.properties");
    var servers = "127.0.0.1:" + freePort();
    var controller = "127.0.0.1:" + freePort();
    Files.writeString(file, String.join("\n",
        "process.roles=broker,controller",
        "node.id=1",
        "controller.quorum.bootstrap.servers=" + controller,
        "controller.listener.names=CONTROLLER",
        "listeners=PLAINTEXT://" + servers + ",CONTROLLER://" + controller,
        "offsets.topic.replication.factor=1",
        "offsets.topic.num.partitions=1",
        "transaction.state.log.num.partitions=1",
        "transaction.state.log.replication.factor=1",
        "transaction.state.log.min.isr=1",
        "group.initial.rebalance.delay.ms=0",
        "log.dirs=" + folder.resolve("data")));
    Exit.setExitProcedure((status, message) -> {
      throw new IllegalStateException("exit " + status);
    });
    try {
      kafka.tools.StorageTool.main(new String[] {
        "format", "--standalone", "-t", "5L6g3nShT-eMCtK--X86sw", "-c", file.toString()
      });
    } catch (IllegalStateException formatted) {
      // The tool always ends its process.
    }
    var broker = new Thread(() -> kafka.Kafka.main(new String[] {file.toString()}));
    broker.setDaemon(true);
    broker.start();
    ArchivedClients.main(new String[] {servers, "archived"});
    System.out.println("serving " + servers);
    while (System.in.read() >= 0) continue;
    System.exit(0);
  }

  private static int freePort() throws Exception {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }
}
