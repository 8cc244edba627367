// Clients that work on three brokers while an operator changes ACLs and users, and while brokers
// die, lag and come back: nobody is served what the broker that answers knows to be denied, or is
// refused what it knows to be granted; and nobody is let in with another password than the one that
// the broker knows.

import { Admin } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { brokerPort, Cluster } from '../cluster.ts';
import { type ClusterHarm, ClusterNemesis } from '../cluster-nemesis.ts';
import type { Scenario } from '../scenario.ts';
import { askWithinRights, churnAccess, operatorSecurity } from '../workloads/index.ts';
import type { World } from '../world.ts';
import { startedAgain } from './three-brokers.ts';

const judged = ['served', 'refused', 'let in', 'turned away'];

export const access: Scenario = {
  name: 'access',
  about: 'a client is served what the ACLs that its broker knows grant, and nothing else',
  // The scenario itself says it.
  reaches: judged.map((name) => ({ name, line: /^never$/ })),
  run: (world) => runAccess(world),
};

const users = ['ada', 'grace'];
const topics = ['orders', 'ordinary', 'bills'];
const groups = ['readers', 'rest'];
const harmMs = 4_000;
const calmMs = 1_000;
const topicsMsMax = 60_000;

const harms: readonly ClusterHarm[] = [
  ...(['kill', 'kill all', 'stop', 'hold', 'cut from the store', 'isolate'] as const),
  ...(['reset', 'slow host', 'store: kill', 'store: hold', 'store: cut off'] as const),
];

const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const scramModule = 'org.apache.kafka.common.security.scram.ScramLoginModule';
const { username, password } = operatorSecurity.sasl;
const jaas = 'listener.name.sasl_plaintext';

const config = {
  'security.inter.broker.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
  [`${jaas}.plain.sasl.jaas.config`]: `${plain} required username="broker" password="between"
    user_broker="between" user_${username}="${password}";`.replace(/\s+/g, ' '),
  [`${jaas}.scram-sha-256.sasl.jaas.config`]: `${scramModule} required;`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': `User:broker;User:${username}`,
};

export async function runAccess(world: World): Promise<void> {
  const prng = world.prng.fork('plan');
  const sessionTimeoutMs = prng.pick([1_000, 3_000]);
  const cluster = new Cluster(world, {
    brokers: 3,
    protocol: 'SASL_PLAINTEXT',
    config: {
      ...config,
      'broker.session.timeout.ms': `${sessionTimeoutMs}`,
      'broker.heartbeat.interval.ms': `${sessionTimeoutMs / 5}`,
      'connections.max.reauth.ms': prng.pick(['0', '0', '1500']),
    },
    onExit: startedAgain,
  });
  await cluster.begin();
  const { bootstrapServers, brokers } = cluster;
  await cluster.asClient('operator', (io) => createTopics(io, bootstrapServers), topicsMsMax);
  cluster.runClient('operator', (io) =>
    churnAccess(io, {
      ...{ bootstrapServers, users, topics, groups, prng: world.prng.fork('operator') },
      pauseMsMean: prng.pick([60, 200, 600]),
    }),
  );
  const clients = brokers.flatMap(({ host }, index) =>
    users.map((user) => {
      const name = `${user}-${index + 1}`;
      cluster.runClient(name, (io) =>
        askWithinRights(io, {
          ...{ nodeId: index + 1, address: { host: host.name, port: brokerPort }, user },
          ...{ topics, groups, prng: world.prng.fork(name) },
          onJudged: (what) => world.reached.onReached(what),
        }),
      );
      return name;
    }),
  );
  const nemesis = new ClusterNemesis(world, cluster, {
    ...{ clients, sessionTimeoutMs, downMsMax: prng.pick([300, 2_000]) },
    harms: ['kill', ...harms.filter(() => prng.chance(0.4))],
    pauseMsMean: prng.pick([500, 2_000]),
  });
  await world.advance(calmMs);
  nemesis.start();
  await world.advance(harmMs);
  nemesis.stop();
  await world.advance(calmMs);
}

async function createTopics(io: Io, bootstrapServers: string): Promise<void> {
  const admin = new Admin({ bootstrapServers, ...operatorSecurity }, io);
  await admin.createTopics(topics.map((name) => ({ name, partitions: 1, replicationFactor: 3 })));
  await admin.close();
}
