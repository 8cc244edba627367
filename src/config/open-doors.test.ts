// Which listeners a broker warns of at its start.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadBrokerConfig } from './load-broker-config.ts';

const notesOf = (...overrides: [string, string][]): string[] =>
  loadBrokerConfig({ overrides }).openDoors;

describe('a listener that more than this machine can reach', () => {
  test('is warned of when it has neither TLS nor SASL', () => {
    for (const host of ['', '0.0.0.0', '[::]', '10.0.0.1', 'kafka.example', '127.example.com']) {
      const notes = notesOf(['listeners', `PLAINTEXT://${host}:9092`]);
      assert.equal(notes.length, 1, host);
      assert.ok(notes[0]?.startsWith(`listener PLAINTEXT://${host}:9092 has neither TLS nor SASL`));
      assert.match(notes[0] ?? '', /SASL_SSL \(partita start --secure\)$/);
    }
  });

  test('is warned of once, by its name', () => {
    const notes = notesOf(
      ['listeners', 'IN://127.0.0.1:9092,OUT://0.0.0.0:9093,ALSO://0.0.0.0:9094,TLS://:9095'],
      ['listener.security.protocol.map', 'IN:PLAINTEXT,OUT:PLAINTEXT,ALSO:PLAINTEXT,TLS:SSL'],
      ['inter.broker.listener.name', 'IN'],
    );
    assert.deepEqual(
      notes.map((each) => each.split(' ')[1]),
      ['OUT://0.0.0.0:9093', 'ALSO://0.0.0.0:9094'],
    );
  });

  test('is nothing to speak of on loopback, or with TLS or SASL', () => {
    assert.deepEqual(notesOf(), []);
    const hosts = ['127.0.0.1', '127.1.2.3', 'localhost', '[::1]', '[::ffff:127.0.0.1]'];
    for (const host of hosts) assert.deepEqual(notesOf(['listeners', `PLAINTEXT://${host}:1`]), []);
    for (const protocol of ['SSL', 'SASL_SSL', 'SASL_PLAINTEXT']) {
      const between: [string, string] = ['security.inter.broker.protocol', protocol];
      assert.deepEqual(notesOf(['listeners', `${protocol}://:9092`], between), []);
    }
  });
});

test('a listener that takes tokens without a signature is warned of, wherever it is', () => {
  const listeners: [string, string] = ['listeners', 'SASL_PLAINTEXT://127.0.0.1:9092'];
  const offered: [string, string] = ['sasl.enabled.mechanisms', 'PLAIN,OAUTHBEARER'];
  const notes = notesOf(listeners, offered);
  assert.equal(notes.length, 1);
  assert.match(
    notes[0] ?? '',
    /^listener SASL_PLAINTEXT:.* OAUTHBEARER tokens without a signature/,
  );
  assert.match(notes[0] ?? '', /set sasl\.oauthbearer\.jwks\.endpoint\.url for it$/);
  const keys = 'listener.name.sasl_plaintext.oauthbearer.sasl.oauthbearer.jwks.endpoint.url';
  assert.deepEqual(notesOf(listeners, offered, [keys, 'https://idp.example/keys']), []);
});
