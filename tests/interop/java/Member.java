// A consumer that polls in a thread of its own, as applications do, and keeps what arrives until
// it is taken. Only that thread touches the consumer; others hand it tasks.

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;

final class Member {
  private interface Start {
    void on(KafkaConsumer<byte[], byte[]> consumer);
  }

  private final Queue<FutureTask<?>> tasks = new ConcurrentLinkedQueue<>();
  private final List<String> arrived = new ArrayList<>();
  private final Thread thread;
  private volatile String assignment = "";
  private volatile boolean isLeaving = false;
  private RuntimeException failure = null;
  private KafkaConsumer<byte[], byte[]> consumer;

  private Member(Map<String, Object> configs, Start start) {
    thread = new Thread(() -> run(configs, start));
    thread.setDaemon(true);
    thread.start();
  }

  /** From is "beginning", "end", an offset, or "@" and a timestamp. */
  static Member assigned(Map<String, Object> configs, TopicPartition partition, String from) {
    configs.putIfAbsent("group.id", "interop-assigned");
    return new Member(configs, consumer -> {
      consumer.assign(List.of(partition));
      Positions.seek(consumer, partition, from);
    });
  }

  static Member joining(Map<String, Object> configs, String group, String topics) {
    configs.put("group.id", group);
    configs.putIfAbsent("auto.offset.reset", "earliest");
    return new Member(configs, consumer -> consumer.subscribe(List.of(topics.split(","))));
  }

  private void run(Map<String, Object> configs, Start start) {
    try {
      consumer = new KafkaConsumer<>(configs);
      start.on(consumer);
      while (!isLeaving) {
        var records = Polling.poll(consumer, 50);
        assignment = consumer.assignment().stream()
            .map(each -> each.topic() + "-" + each.partition())
            .sorted()
            .collect(Collectors.joining(","));
        synchronized (this) {
          for (ConsumerRecord<byte[], byte[]> each : records) {
            arrived.add(Bytes.line(each.partition(), each.offset(), Records.timestamp(each), Records.text(each)));
          }
          notifyAll();
        }
        for (var task = tasks.poll(); task != null; task = tasks.poll()) task.run();
      }
    } catch (RuntimeException thrown) {
      synchronized (this) {
        failure = thrown;
        notifyAll();
      }
      for (var task = tasks.poll(); task != null; task = tasks.poll()) task.cancel(false);
    } finally {
      if (consumer != null) consumer.close();
    }
  }

  /** At most count records that have arrived, once there are as many or the time is up. */
  synchronized void take(int count, long timeoutMs, List<String> answer) throws InterruptedException {
    long end = System.currentTimeMillis() + timeoutMs;
    while (arrived.size() < count && failure == null) {
      long left = end - System.currentTimeMillis();
      if (left <= 0) break;
      wait(left);
    }
    if (failure != null && arrived.isEmpty()) throw failure;
    var taken = arrived.subList(0, Math.min(count, arrived.size()));
    answer.addAll(taken);
    taken.clear();
  }

  String assignment() {
    synchronized (this) {
      if (failure != null) throw failure;
    }
    return assignment;
  }

  /** Commits the positions, which are behind everything that has arrived. */
  void commit() throws Exception {
    ask(() -> {
      consumer.commitSync();
      return null;
    });
  }

  void leave() throws InterruptedException {
    isLeaving = true;
    thread.join();
  }

  private <T> T ask(Callable<T> question) throws Exception {
    var task = new FutureTask<>(question);
    tasks.add(task);
    synchronized (this) {
      if (failure != null) throw failure;
    }
    return task.get();
  }
}
