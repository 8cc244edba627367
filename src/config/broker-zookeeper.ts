// How a broker reaches a ZooKeeper that wants to know who it is: access lists and TLS. (Which one,
// and for how long: broker-node.ts. User and password stand in the section Client of a JAAS file.)

import { boolean, list, password, string } from './definition.ts';

const pem = 'the file is PEM: openssl pkcs12 and keytool -importkeystore make PEM of other formats';

export const brokerZooKeeper = {
  'zookeeper.set.acl': boolean(
    false,
    'Whether only this user may change the nodes this broker makes; others read a few of them.',
    { importance: 'high' },
  ),
  'zookeeper.ssl.client.enable': boolean(false, 'Whether connections to ZooKeeper are encrypted.'),
  'zookeeper.clientCnxnSocket': string(null, "Java class of ZooKeeper's connections.", {
    accepted: 'zookeeper.ssl.client.enable is enough',
  }),
  'zookeeper.ssl.truststore.location': string(
    null,
    'PEM file with the certificates trusted at a ZooKeeper; else the well-known authorities.',
  ),
  'zookeeper.ssl.truststore.password': password('Password of that file.', { accepted: pem }),
  'zookeeper.ssl.truststore.type': string(null, 'Format of that file.', { accepted: pem }),
  'zookeeper.ssl.keystore.location': string(
    null,
    'PEM file with the private key and certificate that this broker shows a ZooKeeper.',
  ),
  'zookeeper.ssl.keystore.password': password('Password of that private key.'),
  'zookeeper.ssl.keystore.type': string(null, 'Format of that file.', { accepted: pem }),
  'zookeeper.ssl.protocol': string('TLSv1.2', 'TLS version a connection starts with.', {
    accepted: 'both sides take the newest that zookeeper.ssl.enabled.protocols allows',
  }),
  'zookeeper.ssl.enabled.protocols': list(
    null,
    'TLS versions that are allowed; without it TLSv1.2 and TLSv1.3.',
    { oneOf: ['TLSv1.2', 'TLSv1.3'], notEmpty: true },
  ),
  'zookeeper.ssl.cipher.suites': list(null, 'Cipher suites that are allowed.', {
    accepted: "they are the library's own",
  }),
  'zookeeper.ssl.endpoint.identification.algorithm': string(
    'HTTPS',
    'How the certificate of a ZooKeeper must fit its host name; empty: not at all.',
    { oneOf: ['HTTPS', ''], isCaseInsensitive: true },
  ),
  'zookeeper.ssl.crl.enable': boolean(false, 'Whether lists of revoked certificates are asked.', {
    accepted: 'revoked certificates are not looked for',
  }),
  'zookeeper.ssl.ocsp.enable': boolean(false, 'Whether the authority is asked of revocations.', {
    accepted: 'revoked certificates are not looked for',
  }),
};
