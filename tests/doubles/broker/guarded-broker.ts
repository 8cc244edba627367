// A broker with an authorizer, whoever administers it, and a client whose rights the test gives:
// on a listener that asks nobody all are User:ANONYMOUS, and ACLs tell them apart by their hosts.

import assert from 'node:assert/strict';
import { World } from '../../../sim/index.ts';
import type { Broker } from '../../../src/broker/index.ts';
import type { Io } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import { createAcls, createTopics, deleteAcls } from '../../../src/protocol/index.ts';
import {
  AclOperation,
  AclPattern,
  AclPermission,
  AclResource,
  clusterResourceName,
  loadAuthorizer,
} from '../../../src/security/acl/index.ts';
import { port, startBroker } from './brokers.ts';

await loadAuthorizer();
await import('../../../src/broker/handlers/describe-acls.ts');

export interface GuardedBroker {
  /** Of the broker. */
  readonly io: Io;
  /** Who may do everything. */
  readonly admin: ClientConnection;
  /** Who may do what it is granted. */
  readonly client: ClientConnection;
  /** Another one from the same host. */
  readonly connect: () => Promise<ClientConnection>;
  readonly createTopic: (name: string) => Promise<string>;
  readonly grant: (operation: Operation, type: Type, name: string, more?: More) => Promise<void>;
  /** Takes back what the client was granted or denied. */
  readonly revokeAll: () => Promise<void>;
}

export type Operation = keyof typeof AclOperation;
export type Type = keyof typeof AclResource;

interface More {
  readonly isDeny?: boolean;
  readonly isPrefix?: boolean;
}

const principal = 'User:ANONYMOUS';

/** @param startWith starts the broker; by default one that is alone */
export async function withGuardedBroker(
  run: (at: GuardedBroker) => Promise<void>,
  config: Readonly<Record<string, string>> = {},
  startWith: (io: Io, config: Readonly<Record<string, string>>) => Promise<Broker> = startBroker,
): Promise<void> {
  const world = new World({});
  const ios: Io[] = [];
  let isDone = false;
  const start = (host: string, main: (io: Io) => Promise<void>) => {
    return world.startProcess(host, async (io) => main(io));
  };
  /** A process that lives for its Io. */
  const lend = (io: Io): Promise<void> => {
    ios.push(io);
    return new Promise(() => {});
  };
  const processes = [
    start('admin', lend),
    start('client', lend),
    start('host', async (io) => {
      const broker = await startWith(io, {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'true',
        ...config,
      });
      const [adminIo, clientIo] = ios as [Io, Io];
      const to = { host: 'host', port, clientId: 'test' };
      const admin = await ClientConnection.connect(adminIo, to);
      const connect = () => ClientConnection.connect(clientIo, to);
      const client = await connect();
      await bindEverybody(admin, world.host('admin').address);
      const host = world.host('client').address;
      await run({ io, admin, client, connect, ...means(admin, host) });
      admin.close();
      client.close();
      await broker.stop();
      isDone = true;
    }),
  ];
  await world.run(() => isDone);
  for (const process of processes) process.kill();
}

/** From the first ACL on all resources on, nobody may do what no ACL says. */
async function bindEverybody(admin: ClientConnection, host: string): Promise<void> {
  const types = [AclResource.TOPIC, AclResource.GROUP, AclResource.TRANSACTIONAL_ID] as const;
  const resources = [...types.map((type) => [type, '*'] as const)];
  const all = [[AclResource.CLUSTER, clusterResourceName] as const, ...resources];
  const { results } = await admin.request(createAcls, {
    creations: all.map(([resourceType, resourceName]) => ({
      ...{ resourceType, resourceName, resourcePatternType: AclPattern.LITERAL, principal, host },
      ...{ operation: AclOperation.ALL, permissionType: AclPermission.ALLOW },
    })),
  });
  for (const { errorCode, errorMessage } of results) assert.equal(errorCode, 0, errorMessage ?? '');
}

function means(
  admin: ClientConnection,
  host: string,
): Pick<GuardedBroker, 'createTopic' | 'grant' | 'revokeAll'> {
  return {
    createTopic: async (name) => {
      const answer = await admin.request(createTopics, {
        topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      });
      assert.equal(answer.topics[0]?.errorCode, 0, answer.topics[0]?.errorMessage ?? '');
      return answer.topics[0]?.topicId ?? '';
    },
    grant: async (operation, type, resourceName, { isDeny = false, isPrefix = false } = {}) => {
      const { LITERAL, PREFIXED } = AclPattern;
      const { results } = await admin.request(createAcls, {
        creations: [
          {
            ...{ resourceType: AclResource[type], resourceName, principal, host },
            resourcePatternType: isPrefix ? PREFIXED : LITERAL,
            operation: AclOperation[operation],
            permissionType: isDeny ? AclPermission.DENY : AclPermission.ALLOW,
          },
        ],
      });
      assert.equal(results[0]?.errorCode, 0, results[0]?.errorMessage ?? '');
    },
    revokeAll: async () => {
      const any = { resourceNameFilter: null, principalFilter: null, patternTypeFilter: 1 };
      const { filterResults } = await admin.request(deleteAcls, {
        filters: [
          { ...any, resourceTypeFilter: 1, hostFilter: host, operation: 1, permissionType: 1 },
        ],
      });
      assert.equal(filterResults[0]?.errorCode, 0);
    },
  };
}
