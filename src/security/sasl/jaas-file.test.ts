// JAAS files as Kafka's and ZooKeeper's documentation writes them, and broken ones.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJaas, parseJaasConfig } from './jaas-file.ts';

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

test('a semicolon in the wrong place is refused with its line and the remedy', () => {
  const refused = (text: string, message: RegExp): void => {
    assert.throws(() => parseJaas(text), { name: 'ConfigError', message });
  };
  refused(
    'KafkaClient {\n a.B required;\n useKeyTab=true\n keyTab="/secret";\n};',
    /^line 3: expected a login module, and useKeyTab is an option: take out the semicolon/,
  );
  refused('KafkaClient {\n a.B required\n x=y\n};', /^line 4: expected a semicolon behind the/);
  refused('A {\n a.B required;\n}\nB {\n};', /^line 4: expected a semicolon behind the } of/);
});

test('a key holds one login module with its options and nothing more', () => {
  const entry = parseJaasConfig('a.Plain required username="u" password="p w";');
  assert.equal(entry.loginModule, 'a.Plain');
  assert.equal(entry.options.get('password'), 'p w');
  for (const text of ['', 'a.Plain required', 'a.Plain required; b.C required;', 'A { };']) {
    assert.throws(() => parseJaasConfig(text), { name: 'ConfigError' }, text);
  }
});
