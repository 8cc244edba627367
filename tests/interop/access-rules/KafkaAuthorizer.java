// Apache Kafka's own authorizer, asked one question a line; words are between tabs.
//
//   begin EVERYONE SUPER_USERS                         a new authorizer without ACLs
//   add TYPE NAME PATTERN PRINCIPAL HOST OPERATION PERMISSION
//   ask PRINCIPAL HOST OPERATION TYPE NAME             ALLOWED or DENIED
//   any PRINCIPAL HOST OPERATION TYPE                  authorizeByResourceType
//   find TYPE NAME PATTERN PRINCIPAL HOST OPERATION PERMISSION   ("-" for null): how many
//   create TYPE NAME PATTERN PRINCIPAL HOST OPERATION PERMISSION   AclControlManager's word on it

package org.apache.kafka.controller;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.HashSet;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.security.auth.KafkaPrincipal;
import org.apache.kafka.common.security.auth.SecurityProtocol;
import org.apache.kafka.common.utils.SecurityUtils;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.*;

public final class KafkaAuthorizer {
  private StandardAuthorizer authorizer;

  private record Asker(String text, String host) implements AuthorizableRequestContext {
    public String listenerName() { return "PLAINTEXT"; }
    public SecurityProtocol securityProtocol() { return SecurityProtocol.PLAINTEXT; }
    public KafkaPrincipal principal() { return SecurityUtils.parseKafkaPrincipal(text); }
    public InetAddress clientAddress() {
      try {
        return InetAddress.getByName(host);
      } catch (java.net.UnknownHostException error) {
        throw new IllegalStateException(error);
      }
    }
    public int requestType() { return 0; }
    public int requestVersion() { return 0; }
    public String clientId() { return "judge"; }
    public int correlationId() { return 0; }
  }

  private static byte code(String word) { return Byte.parseByte(word); }

  private static AclBinding binding(String[] words) {
    return new AclBinding(
        new ResourcePattern(ResourceType.fromCode(code(words[1])), words[2],
            PatternType.fromCode(code(words[3]))),
        new AccessControlEntry(words[4], words[5], AclOperation.fromCode(code(words[6])),
            AclPermissionType.fromCode(code(words[7]))));
  }

  private static String orNull(String word) { return word.equals("-") ? null : word; }

  private String answer(String[] words) {
    switch (words[0]) {
      case "begin": {
        authorizer = new StandardAuthorizer();
        Map<String, Object> configs = new HashMap<>();
        configs.put("node.id", "1");
        configs.put("allow.everyone.if.no.acl.found", words[1]);
        configs.put("super.users", words[2]);
        authorizer.configure(configs);
        authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of()));
        authorizer.completeInitialLoad();
        return "begun";
      }
      case "add":
        authorizer.addAcl(Uuid.randomUuid(), StandardAcl.fromAclBinding(binding(words)));
        return "added";
      case "ask": {
        var pattern = new ResourcePattern(ResourceType.fromCode(code(words[4])), words[5],
            PatternType.LITERAL);
        var action = new Action(AclOperation.fromCode(code(words[3])), pattern, 1, true, false);
        return authorizer.authorize(new Asker(words[1], words[2]), List.of(action)).get(0)
            .toString();
      }
      case "any":
        return authorizer.authorizeByResourceType(new Asker(words[1], words[2]),
            AclOperation.fromCode(code(words[3])), ResourceType.fromCode(code(words[4])))
            .toString();
      case "find": {
        var filter = new AclBindingFilter(
            new ResourcePatternFilter(ResourceType.fromCode(code(words[1])), orNull(words[2]),
                PatternType.fromCode(code(words[3]))),
            new AccessControlEntryFilter(orNull(words[4]), orNull(words[5]),
                AclOperation.fromCode(code(words[6])), AclPermissionType.fromCode(code(words[7]))));
        Set<AclBinding> found = new HashSet<>();
        authorizer.acls(filter).forEach(found::add);
        return String.valueOf(found.size());
      }
      case "create":
        AclControlManager.validateNewAcl(binding(words));
        return "created";
      default:
        throw new IllegalArgumentException(words[0]);
    }
  }

  public static void main(String[] args) throws Exception {
    var judge = new KafkaAuthorizer();
    var in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String answer;
      try {
        answer = judge.answer(line.split("\t", -1));
      } catch (Exception error) {
        answer = error.getClass().getSimpleName() + ": " + error.getMessage();
      }
      System.out.println(answer);
    }
  }
}
