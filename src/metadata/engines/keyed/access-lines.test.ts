// What is said of certificates that do not fit, by the codes of Node and OpenSSL.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateRemedy } from './access-lines.ts';

test('each way in which certificates do not fit has its remedy', () => {
  const codes: readonly (readonly [string, RegExp])[] = [
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /truststore/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /truststore/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /truststore/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /truststore/],
    ['CERT_HAS_EXPIRED', /truststore/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /endpoint\.identification/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /keystore\.location$/],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', /keystore\.location$/],
    ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', /keystore\.location$/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /leave out cluster\.store\.ssl/],
    ['EPROTO', /leave out cluster\.store\.ssl/],
    ['ERR_OSSL_BAD_DECRYPT', /key\.password/],
  ];
  for (const [code, remedy] of codes) assert.match(certificateRemedy(code) ?? '', remedy, code);
});

test('a remedy for a ZooKeeper names the keys of a ZooKeeper', () => {
  const codes: readonly (readonly [string, string])[] = [
    ['CERT_HAS_EXPIRED', 'zookeeper.ssl.truststore.location'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'zookeeper.connect'],
    ['ERR_OSSL_BAD_DECRYPT', 'zookeeper.ssl.keystore.password'],
  ];
  for (const [code, named] of codes) {
    const remedy = certificateRemedy(code, 'ZooKeeper') ?? '';
    assert.ok(remedy.includes(named) && !remedy.includes('cluster.store'), remedy);
  }
  assert.equal(certificateRemedy('ECONNREFUSED', 'ZooKeeper'), null);
});

test('what passes by itself has none', () => {
  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH']) {
    assert.equal(certificateRemedy(code), null, code);
  }
});
