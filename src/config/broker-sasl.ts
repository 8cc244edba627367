// SASL: how clients and brokers prove who they are.

import {
  acceptedOnly,
  boolean,
  className,
  double,
  int,
  list,
  long,
  password,
  short,
  string,
} from './definition.ts';
import { reasons } from './reasons.ts';

export const brokerSasl = {
  'sasl.enabled.mechanisms': list(['GSSAPI'], 'SASL mechanisms that are offered.', {
    update: 'per-broker',
  }),
  'sasl.mechanism.inter.broker.protocol': string('GSSAPI', 'SASL mechanism between brokers.', {
    update: 'per-broker',
  }),
  ...acceptedOnly(reasons.kraft, {
    'sasl.mechanism.controller.protocol': string('GSSAPI', 'SASL mechanism towards controllers.', {
      importance: 'high',
    }),
  }),
  'sasl.jaas.config': password("Login module and its options, in Java's JAAS format.", {
    update: 'per-broker',
  }),
  'sasl.server.max.receive.size': int(
    524_288,
    'Largest message before a client has proved who it is, in bytes.',
  ),
  'sasl.server.callback.handler.class': className(
    null,
    'Java class that checks what clients present.',
  ),
  ...acceptedOnly(reasons.java, {
    'sasl.client.callback.handler.class': className(
      null,
      'Java class that answers for this broker as a client.',
    ),
    'sasl.login.class': className(null, 'Java class that logs in.'),
    'sasl.login.callback.handler.class': className(
      null,
      'Java class that gives the login its credentials.',
    ),
  }),
  ...acceptedOnly('logins are renewed after four fifths of their life', {
    'sasl.login.connect.timeout.ms': int(null, 'Time to connect to the identity provider, in ms.', {
      importance: 'low',
    }),
  }),
  'sasl.login.read.timeout.ms': int(null, 'Time for an answer of the identity provider, in ms.', {
    importance: 'low',
  }),
  ...acceptedOnly('logins are renewed after four fifths of their life', {
    'sasl.login.retry.backoff.ms': long(100, 'First wait between two logins, in ms.', {
      importance: 'low',
    }),
    'sasl.login.retry.backoff.max.ms': long(10_000, 'Longest wait between two logins, in ms.', {
      importance: 'low',
    }),
    'sasl.login.refresh.window.factor': double(
      0.8,
      "Share of a credential's life after which it is renewed.",
      { update: 'per-broker' },
    ),
    'sasl.login.refresh.window.jitter': double(
      0.05,
      'Most that chance adds to that, as a share of the life.',
      { update: 'per-broker' },
    ),
    'sasl.login.refresh.min.period.seconds': short(
      60,
      'Shortest time before a credential is renewed, in seconds.',
      { update: 'per-broker' },
    ),
    'sasl.login.refresh.buffer.seconds': short(
      300,
      'Time before its end by which a credential is renewed, in seconds.',
      { update: 'per-broker' },
    ),
  }),
  'sasl.kerberos.service.name': string(null, 'Kerberos service name of the brokers.', {
    update: 'per-broker',
  }),
  'sasl.kerberos.kinit.cmd': string(
    '/usr/bin/kinit',
    'Path of kinit, which renews the tickets of a ticket cache.',
    { update: 'per-broker' },
  ),
  'sasl.kerberos.ticket.renew.window.factor': double(
    0.8,
    "Share of a ticket's life after which it is renewed.",
    { update: 'per-broker' },
  ),
  'sasl.kerberos.ticket.renew.jitter': double(
    0.05,
    'Most that chance adds to that, as a share of the life.',
    { update: 'per-broker' },
  ),
  'sasl.kerberos.min.time.before.relogin': long(60_000, 'Rest between two renewals, in ms.', {
    update: 'per-broker',
  }),
  'sasl.kerberos.principal.to.local.rules': list(
    ['DEFAULT'],
    'Rules from Kerberos names to names of users; the first one that applies decides.',
    { update: 'per-broker' },
  ),
  'sasl.oauthbearer.token.endpoint.url': string(null, 'URL at which tokens are issued.'),
  'sasl.oauthbearer.jwks.endpoint.url': string(
    null,
    'URL of the keys that tokens are checked with.',
  ),
  'sasl.oauthbearer.jwks.endpoint.refresh.ms': long(
    3_600_000,
    'Time between two downloads of those keys, in ms.',
    { importance: 'low' },
  ),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.ms': long(
    100,
    'First wait between two tries to download them, in ms.',
    { importance: 'low' },
  ),
  'sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms': long(
    10_000,
    'Longest wait between two tries, in ms.',
    { importance: 'low' },
  ),
  'sasl.oauthbearer.clock.skew.seconds': int(
    30,
    'Difference of clocks that is tolerated, in seconds.',
    { importance: 'low' },
  ),
  'sasl.oauthbearer.expected.audience': list([], 'Audiences of which a token must name one.', {
    importance: 'high',
  }),
  'sasl.oauthbearer.expected.issuer': string(null, 'Issuer that a token must name.', {
    importance: 'high',
  }),
  'sasl.oauthbearer.allow.unverified.audience': boolean(
    false,
    'Whether tokens are taken while no audience is configured.',
  ),
  'sasl.oauthbearer.allow.unverified.issuer': boolean(
    false,
    'Whether tokens are taken while no issuer is configured.',
  ),
  ...acceptedOnly('logins are renewed after four fifths of their life', {
    'sasl.oauthbearer.scope.claim.name': string('scope', 'Claim of a token that holds its scope.', {
      importance: 'low',
    }),
  }),
  'sasl.oauthbearer.sub.claim.name': string('sub', 'Claim of a token that holds the user.', {
    importance: 'low',
  }),
  'sasl.oauthbearer.scope': string(null, 'Scope this broker asks for as a client.'),
  'sasl.oauthbearer.client.credentials.client.id': string(
    null,
    'Client id towards the identity provider.',
  ),
  'sasl.oauthbearer.client.credentials.client.secret': password(
    'Client secret towards the identity provider.',
  ),
  ...acceptedOnly(reasons.java, {
    'sasl.oauthbearer.jwt.retriever.class': className(
      'org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever',
      'Java class that fetches tokens.',
    ),
    'sasl.oauthbearer.jwt.validator.class': className(
      'org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator',
      'Java class that checks tokens.',
    ),
  }),
  ...acceptedOnly('tokens are fetched with a client id and a secret', {
    'sasl.oauthbearer.assertion.algorithm': string(
      'RS256',
      'Algorithm an assertion is signed with.',
      { oneOf: ['ES256', 'RS256'], isCaseInsensitive: true },
    ),
    'sasl.oauthbearer.assertion.claim.aud': string(null, 'Audience of an assertion.'),
    'sasl.oauthbearer.assertion.claim.exp.seconds': int(300, 'Life of an assertion, in seconds.', {
      importance: 'low',
      min: 0,
      max: 86_400,
    }),
    'sasl.oauthbearer.assertion.claim.iss': string(null, 'Issuer of an assertion.'),
    'sasl.oauthbearer.assertion.claim.jti.include': boolean(
      false,
      'Whether an assertion gets an id of its own.',
    ),
    'sasl.oauthbearer.assertion.claim.nbf.seconds': int(
      60,
      'Seconds before now from which an assertion is valid.',
      { importance: 'low', min: 0, max: 3600 },
    ),
    'sasl.oauthbearer.assertion.claim.sub': string(null, 'Subject of an assertion.'),
    'sasl.oauthbearer.assertion.file': string(null, 'File with a finished assertion.'),
    'sasl.oauthbearer.assertion.private.key.file': string(
      null,
      'File with the key that signs assertions, in PEM.',
    ),
    'sasl.oauthbearer.assertion.private.key.passphrase': password('Passphrase of that key.'),
    'sasl.oauthbearer.assertion.template.file': string(
      null,
      'File with headers and claims to start an assertion from.',
    ),
  }),
};
