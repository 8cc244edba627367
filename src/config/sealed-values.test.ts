// Passwords as the metadata have them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BrokerConfig } from './broker-config.ts';
import { ConfigError } from './config-error.ts';
import { isSecretOfBroker, opened, sealBytes, sealed } from './sealed-values.ts';

const random = Buffer.alloc(sealBytes, 7);
const key = 'listener.name.ssl.ssl.key.password';

describe('a sealed password', () => {
  test('is opened under the secret that sealed it, the old one too, and under no other', () => {
    for (const value of ['planted', '', 'naïve ☃ "quoted"']) {
      const text = sealed(value, 'secret', random);
      assert.ok(value === '' || !text.includes(value));
      assert.equal(opened(key, text, ['secret']), value);
      assert.equal(opened(key, text, ['other', 'secret']), value);
      const refusal = (error: Error): boolean =>
        error instanceof ConfigError && /^listener.*encrypted under another/.test(error.message);
      assert.throws(() => opened(key, text, ['other']), refusal);
      assert.throws(() => opened(key, text, []), refusal);
      const changed = `${text.slice(0, -4)}AAA=`;
      assert.throws(() => opened(key, changed, ['secret']), refusal);
      assert.throws(() => opened(key, 'sealed:1:', ['secret']), refusal);
    }
  });

  test('is another text under other random bytes', () => {
    const other = Buffer.alloc(sealBytes, 8);
    assert.notEqual(sealed('planted', 'secret', random), sealed('planted', 'secret', other));
  });

  test('is what a broker has that knows the secret, among values that are not sealed', () => {
    const known = (secret: string, keyOfSecret = 'password.encoder.secret'): BrokerConfig =>
      new BrokerConfig({ static: new Map([[keyOfSecret, { text: secret, origin: 'file' }]]) });
    const stored = new Map([
      [key, sealed('planted', 'secret', random)],
      ['listener.name.ssl.ssl.keystore.password', 'plain'],
    ]);
    for (const base of [known('secret'), known('secret', 'password.encoder.old.secret')]) {
      const config = base.withDynamic(new Map(), stored);
      assert.equal(config.getForListener('SSL', 'ssl.key.password'), 'planted');
      assert.equal(config.getForListener('SSL', 'ssl.keystore.password'), 'plain');
    }
    assert.throws(() => known('other').withDynamic(new Map(), stored), ConfigError);
  });
});

test('what nobody knows is a secret, and so is a password of one listener', () => {
  assert.ok(isSecretOfBroker(key, 'x'));
  assert.ok(isSecretOfBroker('listener.name.a.plain.sasl.jaas.config', 'x'));
  assert.ok(isSecretOfBroker('com.example.plugin', 'x'));
  assert.ok(!isSecretOfBroker('num.io.threads', '3'));
  assert.ok(!isSecretOfBroker('listener.name.ssl.ssl.client.auth', 'none'));
});
