// Runs Kafka's own command-line tools one after the other in one process: a line of words between
// tabs is what the tool reads from stdin (base64), a class and its arguments; the answer is a line
// "exit-code stdout-bytes stderr-bytes" and those bytes. A tool that ends the process is left asleep
// instead, and what it wanted to be done at the end of the process is done when the tool ends.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.kafka.common.utils.Exit;

final class Tools {
  private static final PrintStream ANSWERS = System.out;

  /** What one tool wrote; Scala keeps the stream it finds first, so this one stays. */
  private static final class Sink extends OutputStream {
    private ByteArrayOutputStream current = new ByteArrayOutputStream();

    @Override
    public synchronized void write(int b) {
      current.write(b);
    }

    synchronized byte[] take() {
      var all = current.toByteArray();
      current = new ByteArrayOutputStream();
      return all;
    }
  }

  public static void main(String[] args) throws Exception {
    var out = new Sink();
    var err = new Sink();
    System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      var code = run(line.split("\t", -1));
      var written = new byte[][] {out.take(), err.take()};
      ANSWERS.println(code + " " + written[0].length + " " + written[1].length);
      for (var bytes : written) ANSWERS.write(bytes);
      ANSWERS.flush();
    }
    Runtime.getRuntime().halt(0);
  }

  private static int run(String[] words) throws InterruptedException {
    System.setIn(new ByteArrayInputStream(Base64.getDecoder().decode(words[0])));
    var hooks = new ConcurrentLinkedQueue<Runnable>();
    Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
    var ended = new LinkedBlockingQueue<Integer>();
    Exit.Procedure sleep =
        (code, message) -> {
          ended.add(code);
          for (; ; ) {
            try {
              Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException e) {
              // The process ends soon.
            }
          }
        };
    Exit.setExitProcedure(sleep);
    Exit.setHaltProcedure(sleep);
    var tool =
        new Thread(
            () -> {
              try {
                var main = Class.forName(words[1]).getMethod("main", String[].class);
                main.invoke(null, (Object) Arrays.copyOfRange(words, 2, words.length));
                ended.add(0);
              } catch (InvocationTargetException e) {
                e.getCause().printStackTrace();
                ended.add(1);
              } catch (ReflectiveOperationException e) {
                e.printStackTrace();
                ended.add(1);
              }
            });
    tool.setDaemon(true);
    tool.start();
    var code = ended.take();
    for (var hook : hooks) hook.run();
    System.out.flush();
    return code;
  }
}
