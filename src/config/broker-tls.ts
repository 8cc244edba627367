// TLS and who may do what.

import {
  boolean,
  className,
  type Definitions,
  from,
  int,
  list,
  long,
  password,
  string,
} from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerTls = {
  'ssl.client.auth': string('none', 'Whether clients must show a certificate.', {
    update: 'per-broker',
    oneOf: ['required', 'requested', 'none'],
  }),
  'ssl.enabled.protocols': list(['TLSv1.2', 'TLSv1.3'], 'TLS versions that are allowed.', {
    update: 'per-broker',
  }),
  'ssl.protocol': string('TLSv1.3', 'TLS version a connection starts with.', {
    update: 'per-broker',
    accepted: 'both sides agree on the newest version that both enable',
  }),
  'ssl.cipher.suites': list([], "Cipher suites that are allowed; empty for the library's own.", {
    update: 'per-broker',
  }),
  'ssl.provider': string(null, 'Java security provider of TLS.', {
    update: 'per-broker',
    accepted: reasons.java,
  }),
  'ssl.engine.factory.class': className(null, 'Java class that makes TLS engines.', {
    importance: 'low',
    update: 'per-broker',
    accepted: reasons.java,
  }),
  'ssl.secure.random.implementation': string(null, 'Java source of random numbers for TLS.', {
    importance: 'low',
    update: 'per-broker',
    accepted: reasons.java,
  }),
  'ssl.keystore.location': string(
    null,
    'File with the private key and certificate of this broker.',
    { update: 'per-broker' },
  ),
  'ssl.keystore.password': password('Password of that file.', { update: 'per-broker' }),
  'ssl.keystore.type': string('JKS', 'Format of that file: JKS, PKCS12 or PEM.', {
    update: 'per-broker',
  }),
  'ssl.keystore.key': password('Private key itself, in PEM.', { update: 'per-broker' }),
  'ssl.keystore.certificate.chain': password('Certificates of this broker, in PEM.', {
    update: 'per-broker',
  }),
  'ssl.key.password': password('Password of the private key.', { update: 'per-broker' }),
  'ssl.truststore.location': string(null, 'File with the certificates this broker trusts.', {
    update: 'per-broker',
  }),
  'ssl.truststore.password': password('Password of that file.', { update: 'per-broker' }),
  'ssl.truststore.type': string('JKS', 'Format of that file: JKS, PKCS12 or PEM.', {
    update: 'per-broker',
  }),
  'ssl.truststore.certificates': password('Trusted certificates themselves, in PEM.', {
    update: 'per-broker',
  }),
  'ssl.keymanager.algorithm': string('SunX509', 'Java algorithm that picks the key.', {
    update: 'per-broker',
    accepted: reasons.java,
  }),
  'ssl.trustmanager.algorithm': string('PKIX', 'Java algorithm that checks certificates.', {
    update: 'per-broker',
    accepted: reasons.java,
  }),
  'ssl.endpoint.identification.algorithm': string(
    'https',
    'How the host name in a certificate is checked; empty for not at all.',
    { importance: 'low', update: 'per-broker' },
  ),
  'ssl.principal.mapping.rules': string(
    'DEFAULT',
    'Rules from the name in a certificate to the name of a user.',
    { importance: 'low' },
  ),
  'ssl.allow.dn.changes': boolean(
    false,
    'Whether a new keystore may carry another distinguished name.',
    { importance: 'low' },
  ),
  'ssl.allow.san.changes': boolean(
    false,
    'Whether a new keystore may lack alternative names of the old one.',
    { importance: 'low' },
  ),
  'ssl.handshake.timeout.ms': int(
    10_000,
    'Time a client may take from its connection to the end of the TLS handshake, in ms.',
    { min: 1 },
  ),
  'ssl.handshakes.unfinished.max': int(
    1000,
    'TLS handshakes of a listener that may be unfinished; the oldest silent one gives way.',
    { min: 1 },
  ),
  'ssl.handshakes.unfinished.per.ip.max': int(
    100,
    'TLS handshakes of one address that may be unfinished; others are closed.',
    { min: 1 },
  ),
  'ssl.handshakes.per.second.max': int(
    250,
    'TLS handshakes a listener begins per second, evenly; others wait their turn.',
    { min: 1 },
  ),
  'ssl.handshakes.per.second.per.ip.max': int(
    50,
    'TLS handshakes begun per second for one address, after 20 at once; others wait.',
    { min: 1 },
  ),
  'security.providers': string(null, 'Java classes that provide security algorithms.', {
    importance: 'low',
    accepted: reasons.java,
  }),
  'principal.builder.class': className(
    'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder',
    'Java class that names the user of a connection.',
    { update: 'per-broker', accepted: reasons.java },
  ),
  'delegation.token.secret.key': password(
    'Key that makes the secrets of delegation tokens, one for all brokers. Without it: no tokens.',
    { fallbacks: [from('delegation.token.master.key')] },
  ),
  'delegation.token.master.key': password('Old name of delegation.token.secret.key.', {
    importance: 'low',
  }),
  'delegation.token.max.lifetime.ms': long(
    604_800_000,
    'Longest life of a delegation token, in ms.',
    { min: 1 },
  ),
  'delegation.token.expiry.time.ms': long(
    86_400_000,
    'Life of a delegation token between two renewals, in ms.',
    { min: 1 },
  ),
  'delegation.token.expiry.check.interval.ms': long(
    3_600_000,
    'Time between two looks for expired tokens, in ms.',
    { importance: 'low', min: 1 },
  ),
} satisfies Definitions;
