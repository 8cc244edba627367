// Java's names of cipher suites are OpenSSL's of the same suite.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getCiphers } from 'node:tls';
import { settingsOf } from '../../../tests/doubles/security/key-stores.ts';
import { cipherSuites, opensslName } from './cipher-suites.ts';
import { clientAuth, tlsVersions, verifiesName } from './tls-settings.ts';

const known = new Set(getCiphers().map((name) => name.toUpperCase()));

test('every suite that is known is one of OpenSSL', () => {
  const exchanges = ['ECDHE_RSA', 'ECDHE_ECDSA', 'DHE_RSA', 'RSA'];
  const gcm = ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384'];
  for (const exchange of exchanges) {
    for (const cipher of [...gcm, 'AES_128_CBC_SHA', 'AES_256_CBC_SHA', 'AES_128_CBC_SHA256']) {
      const name = opensslName(`TLS_${exchange}_WITH_${cipher}`);
      assert.ok(known.has(name ?? ''), `${exchange} ${cipher}: ${name}`);
    }
  }
  for (const name of ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']) {
    assert.ok(known.has(opensslName(name) ?? ''), name);
  }
  for (const name of cipherSuites(settingsOf({})).split(':')) assert.ok(known.has(name), name);
});

test('suites without forward secrecy are spoken only where they are asked for', () => {
  assert.doesNotMatch(cipherSuites(settingsOf({})), /(^|:)AES/);
  const asked = settingsOf({ 'ssl.cipher.suites': 'TLS_RSA_WITH_AES_128_CBC_SHA, AES256-SHA' });
  assert.equal(cipherSuites(asked), 'AES128-SHA:AES256-SHA');
});

test('settings that cannot be are refused with the key and what is possible', () => {
  for (const name of [
    'TLS_RSA_WITH_RC4_128_MD5',
    'TLS_NULL',
    'aNULL',
    'ALL:eNULL',
    '@SECLEVEL=0',
  ]) {
    assert.throws(() => cipherSuites(settingsOf({ 'ssl.cipher.suites': name })), /ssl\.cipher/);
  }
  for (const versions of ['TLSv1', 'SSLv3,TLSv1.2', 'TLSv1.1', '']) {
    const settings = settingsOf({ 'ssl.enabled.protocols': versions });
    assert.throws(() => tlsVersions(settings), /^ConfigError: ssl\.enabled\.protocols .*TLSv1\.2/);
  }
  assert.throws(() => clientAuth(settingsOf({ 'ssl.client.auth': 'maybe' })), /none, requested/);
  const name = { 'ssl.endpoint.identification.algorithm': 'LDAPS' };
  assert.throws(() => verifiesName(settingsOf(name)), /expected https, or nothing/);
});
