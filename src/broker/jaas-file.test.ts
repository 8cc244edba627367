// JAAS files as Kafka's and ZooKeeper's documentation writes them, and broken ones.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJaas } from './jaas-file.ts';

test('a JAAS file is sections of login modules with options', () => {
  const sections = parseJaas(`
    // of the broker
    KafkaServer {
      org.apache.kafka.common.security.plain.PlainLoginModule required
      username="admin" password="a;b={c}" user_admin="a \\"b\\"";
      a.Second optional;
    };
    /* to the
       ZooKeeper */
    Client {
       org.apache.zookeeper.server.auth.DigestLoginModule required
       username=kafka
       password="http://x";
    };`);
  assert.deepEqual([...sections.keys()], ['KafkaServer', 'Client']);
  const [plain, second] = sections.get('KafkaServer') ?? [];
  assert.equal(plain?.loginModule, 'org.apache.kafka.common.security.plain.PlainLoginModule');
  assert.deepEqual(Object.fromEntries(plain?.options ?? []), {
    username: 'admin',
    password: 'a;b={c}',
    user_admin: 'a "b"',
  });
  assert.deepEqual(second, { loginModule: 'a.Second', options: new Map() });
  const [digest] = sections.get('Client') ?? [];
  assert.equal(digest?.options.get('password'), 'http://x');
});

test('a broken JAAS file is refused with its line and without its values', () => {
  const refused = (text: string, message: string): void => {
    assert.throws(() => parseJaas(text), { name: 'ConfigError', message });
  };
  refused('Client {\n a.B required\n password "x";\n};', 'line 3: expected =');
  refused(
    'Client {\n a.B sometimes;\n};',
    'line 2: expected required, requisite, sufficient or optional',
  );
  refused('Client {\n a.B required', 'the end, behind line 2: expected the name of an option');
  refused('Client {\n a.B required x="y;\n};', 'line 2: a quote is not closed');
  refused('{', 'line 1: expected the name of a section');
});
