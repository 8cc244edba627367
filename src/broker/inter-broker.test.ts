// Three brokers that prove to each other who they are.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { TestCluster } from '../../tests/doubles/broker/members.ts';
import '../../tests/doubles/broker/sasl-peer.ts';
import type { Io } from '../io/index.ts';
import { bootstrapBytes, bootstrapPath } from '../metadata/index.ts';
import { ClientConnection } from '../network/index.ts';
import { createTopics, encodeBatch, produce } from '../protocol/index.ts';
import {
  clientLogin,
  type ScramMechanism,
  saltedPassword,
  scramKeys,
  scramMechanism,
} from '../security/sasl/index.ts';

const kafka = 'org.apache.kafka.common.security';
const prefix = 'listener.name.sasl_plaintext';

function configOf(nodeId: number, mechanism: string, changes = {}): Record<string, string> {
  const plain = 'username="broker" password="secret" user_broker="secret";';
  const scram = 'required username="broker" password="secret";';
  return {
    listeners: `SASL_PLAINTEXT://host:${TestCluster.portOf(nodeId)}`,
    'security.inter.broker.protocol': 'SASL_PLAINTEXT',
    'sasl.enabled.mechanisms': mechanism,
    'sasl.mechanism.inter.broker.protocol': mechanism,
    [`${prefix}.plain.sasl.jaas.config`]: `${kafka}.plain.PlainLoginModule required ${plain}`,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: `${kafka}.scram.ScramLoginModule ${scram}`,
    ...changes,
  };
}

/** As `kafka-storage.sh format --add-scram` leaves it. */
function formatWithUser(io: Io, nodeId: number): void {
  const mechanism = scramMechanism('SCRAM-SHA-512') as ScramMechanism;
  const salt = io.random.bytes(16);
  const keys = scramKeys(
    mechanism,
    saltedPassword(mechanism, 'secret', { salt, iterations: 4096 }),
  );
  const type = 'UserScramCredentialRecord';
  const record = { type, name: 'broker', mechanism: 2, salt, iterations: 4096, ...keys } as const;
  const directory = `/data-${nodeId}`;
  io.disk.makeDirectory(directory);
  const file = io.disk.open(bootstrapPath(directory), 'create');
  file.write([bootstrapBytes(io, [record])], 0);
  file.close();
}

async function replicate(io: Io, mechanism: string): Promise<void> {
  const options = new Map(Object.entries({ username: 'broker', password: 'secret' }));
  const fetch = () => Promise.reject(new Error('nothing is fetched'));
  const sasl = clientLogin(io, { mechanism, options, source: 'the test', fetch });
  const connection = await ClientConnection.connect(io, {
    ...{ host: 'host', port: TestCluster.portOf(1), clientId: null, security: { sasl } },
  });
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
  const topic = { name: 't', numPartitions: -1, replicationFactor: -1, assignments, configs: [] };
  const made = await connection.request(createTopics, { topics: [topic], timeoutMs: 30_000 });
  assert.equal(made.topics[0]?.errorCode, 0, made.topics[0]?.errorMessage ?? '');
  const records = encodeBatch({
    records: [{ value: Buffer.from('v'), timestamp: io.clock.now() }],
  });
  const partitionData = [{ index: 0, records }];
  let errorCode = -1;
  while (errorCode !== 0) {
    await io.clock.sleep(200);
    const { responses } = await connection.request(produce, {
      acks: -1,
      timeoutMs: 5_000,
      topicData: [{ name: 't', topicId: made.topics[0]?.topicId, partitionData }],
    } as never);
    errorCode = responses[0]?.partitionResponses[0]?.errorCode ?? -1;
  }
  connection.close();
}

for (const mechanism of ['PLAIN', 'SCRAM-SHA-512']) {
  test(`three brokers replicate over SASL with ${mechanism}`, async () => {
    await simulate(async (io) => {
      const cluster = await TestCluster.open(io);
      for (const nodeId of [1, 2, 3]) {
        formatWithUser(io, nodeId);
        await cluster.start(nodeId, configOf(nodeId, mechanism));
      }
      await replicate(io, mechanism);
      assert.deepEqual(cluster.failures, []);
      await cluster.stop();
    });
  });
}

test('a broker that could not connect to the others refuses the start', async () => {
  await simulate(async (io) => {
    const cluster = await TestCluster.open(io);
    const refused = async (changes: object, message: RegExp): Promise<void> => {
      await assert.rejects(cluster.start(1, configOf(1, 'PLAIN', changes)), (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret/);
        return error.name === 'BrokerError';
      });
    };
    const key = 'sasl.mechanism.inter.broker.protocol';
    await refused({ [key]: 'PLAN' }, /between brokers: Invalid value PLAN/);
    await refused(
      { [key]: 'SCRAM-SHA-512' },
      /SASL_PLAINTEXT does not offer it: add it to sasl.en/,
    );
    const jaas = `${prefix}.plain.sasl.jaas.config`;
    const nobody = `${kafka}.plain.PlainLoginModule required user_broker="secret";`;
    await refused({ [jaas]: nobody }, /plain.sasl.jaas.config has no username: add username=/);
    const protocol = { 'security.inter.broker.protocol': 'PLAINTEXT' };
    await refused(protocol, /there is no listener PLAINTEXT: set inter.broker.listener.name or/);
    await cluster.stop();
  });
});
