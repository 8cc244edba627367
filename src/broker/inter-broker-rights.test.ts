// What brokers ask of each other needs ClusterAction: a client that plays a broker on a listener
// for clients is refused, whatever it asks, and so is what it asks in the name of another.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { port } from '../../tests/doubles/broker/brokers.ts';
import { withGuardedBroker } from '../../tests/doubles/broker/guarded-broker.ts';
import { TestCluster } from '../../tests/doubles/broker/members.ts';
import type { ClientConnection } from '../network/index.ts';
import * as apis from '../protocol/index.ts';
import { hostToBytes } from '../security/acl/index.ts';
import { principalToBytes, userPrincipal } from '../security/index.ts';
import { handlers } from './handlers/index.ts';
import { memberHandlers } from './handlers/of-member.ts';
import { isRepeatable } from './requests/peer.ts';
import { encodeValue } from './requests/wire-values.ts';

type Ask = (client: ClientConnection) => Promise<number | undefined>;

const of = { brokerId: 2, brokerEpoch: 1 };
const topicId = `${'A'.repeat(21)}g`;
const partition = {
  ...{ partitionIndex: 0, leaderEpoch: 0, partitionEpoch: 0 },
  newIsrWithEpochs: [{ brokerId: 2, brokerEpoch: 1 }],
};
const marker = {
  ...{ producerId: 1, producerEpoch: 0, transactionResult: true, coordinatorEpoch: 0 },
  topics: [{ name: 't', partitionIndexes: [0] }],
};
const added = {
  ...{ transactionalId: 'x', producerId: 1, producerEpoch: 0, verifyOnly: true },
  topics: [{ name: 't', partitions: [0] }],
};

function inEnvelope(name: string, request: unknown, user: string | null = null) {
  return {
    requestData: encodeValue({ name, request }),
    requestPrincipal: user === null ? null : principalToBytes(userPrincipal(user)),
    clientHostAddress: hostToBytes('10.0.0.1'),
  };
}

/** What a broker may ask, and where its answer has the error of the whole. */
const asked: Readonly<Record<string, Ask>> = {
  AlterPartition: async (client) => {
    const body = { ...of, topics: [{ topicId, partitions: [partition] }] };
    return (await client.request(apis.alterPartition, body)).errorCode;
  },
  Envelope: async (client) => {
    const body = inEnvelope('allocateProducerIds', of);
    return (await client.request(apis.envelope, body)).errorCode;
  },
  BrokerRegistration: async (client) => {
    const body = { brokerId: 2, clusterId: 'c', incarnationId: topicId, listeners: [] };
    const more = { features: [], rack: null };
    return (await client.request(apis.brokerRegistration, { ...body, ...more })).errorCode;
  },
  BrokerHeartbeat: async (client) => {
    const body = { ...of, currentMetadataOffset: 0, wantFence: true, wantShutDown: false };
    return (await client.request(apis.brokerHeartbeat, body)).errorCode;
  },
  AllocateProducerIds: async (client) => {
    return (await client.request(apis.allocateProducerIds, of)).errorCode;
  },
  AssignReplicasToDirs: async (client) => {
    const body = { ...of, directories: [] };
    return (await client.request(apis.assignReplicasToDirs, body)).errorCode;
  },
  WriteTxnMarkers: async (client) => {
    const { markers } = await client.request(apis.writeTxnMarkers, { markers: [marker] });
    return markers[0]?.topics[0]?.partitions[0]?.errorCode;
  },
  AddPartitionsToTxn: async (client) => {
    return (await client.request(apis.addPartitionsToTxn, { transactions: [added] })).errorCode;
  },
};

const refusal = 'CLUSTER_AUTHORIZATION_FAILED';
const name = (code: number | undefined): string => apis.errorName(code ?? -1);

async function startMember(
  io: Parameters<typeof TestCluster.open>[0],
  config: Readonly<Record<string, string>>,
) {
  const cluster = await TestCluster.open(io);
  const at = { ...config, listeners: `PLAINTEXT://host:${port}` };
  return (await cluster.start(1, at)).broker;
}

test('what brokers ask of each other is refused without ClusterAction, and taken with it', () =>
  withGuardedBroker(
    async ({ client, grant, revokeAll }) => {
      const ofMembers = memberHandlers.map(({ api }) => api.name);
      const ofAll = handlers.map(({ api }) => api.name);
      for (const each of ofMembers.filter((one) => !ofAll.includes(one))) {
        assert.ok(each in asked, `${each} is in the table`);
      }
      // All that a client can be given, but for that, and for Alter, with which tools end
      // transactions that hang (KIP-664).
      for (const type of ['TOPIC', 'GROUP', 'TRANSACTIONAL_ID'] as const) {
        await grant('ALL', type, '*');
      }
      const others = ['ALTER_CONFIGS', 'CREATE', 'DESCRIBE', 'IDEMPOTENT_WRITE'] as const;
      for (const operation of others) await grant(operation, 'CLUSTER', 'kafka-cluster');
      for (const [api, ask] of Object.entries(asked)) {
        assert.equal(name(await ask(client)), refusal, api);
      }
      await revokeAll();
      await grant('CLUSTER_ACTION', 'CLUSTER', 'kafka-cluster');
      for (const [api, ask] of Object.entries(asked)) {
        assert.notEqual(name(await ask(client)), refusal, api);
      }

      // A broker asks in the name of a client: that one needs the right.
      const forward = async (request: string, body: unknown): Promise<string> => {
        const sent = inEnvelope(request, body, 'mallory');
        return name((await client.request(apis.envelope, sent)).errorCode);
      };
      const bodies: Readonly<Record<string, unknown>> = {
        createTopics: { topics: [{ name: 'n' }] },
        deleteTopics: { topics: [{ name: 't' }] },
        createPartitions: { topics: [{ name: 't' }] },
        alterConfigs: { resources: [{ type: 2, name: 't' }] },
        incrementalAlterConfigs: { resources: [{ type: 4, name: '1' }] },
        createToken: { principal: 'User:admin', owner: 'User:admin' },
        renewToken: { principal: 'User:admin' },
        expireToken: { principal: 'User:admin' },
      };
      for (const request of Object.keys(isRepeatable)) {
        const code = await forward(request, bodies[request] ?? {});
        assert.match(
          code,
          /_AUTHORIZATION_FAILED$|^INVALID_REQUEST$|^UNSUPPORTED_VERSION$/,
          request,
        );
      }
      const inner = inEnvelope('createTopics', bodies.createTopics, 'admin');
      assert.equal(await forward('envelope', inner), 'UNSUPPORTED_VERSION');
      assert.equal(await forward('constructor', {}), 'UNSUPPORTED_VERSION');
    },
    {},
    startMember,
  ));
