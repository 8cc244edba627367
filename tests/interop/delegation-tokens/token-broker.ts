// A broker that lets users in by password, and gives them tokens: its configuration, which is the
// same for Apache Kafka and for ours, and its users.

import { createNodeIo } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import { clientLogin } from '../../../src/security/sasl/index.ts';

export const users = ['admin', 'alice', 'bob', 'carol', 'dave'] as const;
export type User = (typeof users)[number];

const java = 'org.apache.kafka.common.security';
const prefix = 'listener.name.sasl_plaintext';
const passwords = users.map((user) => `user_${user}="${user}-secret"`).join(' ');
const asAdmin = 'username="admin" password="admin-secret"';
const plainModule = `${java}.plain.PlainLoginModule`;
export const scramModule = `${java}.scram.ScramLoginModule`;

export const tokenBrokerConfig = {
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  [`${prefix}.plain.sasl.jaas.config`]: `${plainModule} required ${asAdmin} ${passwords};`,
  [`${prefix}.scram-sha-256.sasl.jaas.config`]: `${scramModule} required;`,
  [`${prefix}.scram-sha-512.sasl.jaas.config`]: `${scramModule} required;`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  // Requests on the listener of Kafka's controller are nobody's.
  'super.users': 'User:admin;User:ANONYMOUS',
  'delegation.token.secret.key': 'the same for all brokers',
  'group.initial.rebalance.delay.ms': '0',
  'offsets.topic.num.partitions': '1',
};

/** As Java's clients take it. */
export function propertiesOf(user: User): Record<string, string> {
  const login = `username="${user}" password="${user}-secret"`;
  return {
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': 'PLAIN',
    'sasl.jaas.config': `${plainModule} required ${login};`,
  };
}

export function connectionOf(user: User, port: number): Promise<ClientConnection> {
  const io = createNodeIo({ logLevel: 'off' });
  const options = new Map(Object.entries({ username: user, password: `${user}-secret` }));
  const fetch = () => Promise.reject(new Error('nothing is fetched'));
  const login = { mechanism: 'PLAIN', options, source: 'the test', fetch };
  const security = { sasl: clientLogin(io, login) };
  return ClientConnection.connect(io, { host: '127.0.0.1', port, clientId: 'test', security });
}
