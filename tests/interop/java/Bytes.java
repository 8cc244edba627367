// How records are written in the lines of client-program.ts: "-" is null, anything else is base64.

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

final class Bytes {
  private Bytes() {}

  static final class Header {
    final String name;
    final byte[] value;

    Header(String name, byte[] value) {
      this.name = name;
      this.value = value;
    }
  }

  static final class Outgoing {
    Long timestamp;
    byte[] key;
    byte[] value;
    final List<Header> headers = new ArrayList<>();
  }

  /** "timestamp,key,value,name:value;name:value", of which timestamp and headers may be empty. */
  static Outgoing record(String text) {
    var fields = text.split(",", -1);
    var record = new Outgoing();
    if (!fields[0].isEmpty()) record.timestamp = Long.valueOf(fields[0]);
    record.key = decode(fields[1]);
    record.value = decode(fields[2]);
    for (String header : fields[3].isEmpty() ? new String[0] : fields[3].split(";")) {
      int end = header.indexOf(':');
      record.headers.add(new Header(header.substring(0, end), decode(header.substring(end + 1))));
    }
    return record;
  }

  static String line(int partition, long offset, long timestamp, String record) {
    return "record\t" + partition + "\t" + offset + "\t" + timestamp + "\t" + record;
  }

  static byte[] decode(String text) {
    return text.equals("-") ? null : Base64.getDecoder().decode(text);
  }

  static String encode(byte[] bytes) {
    return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
  }
}
