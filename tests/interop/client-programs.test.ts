// The official Java client in six releases, confluent-kafka and franz-go: what every foreign
// client is asked to do.

import { describe } from 'node:test';
import type { ClientProgram } from './client-program.ts';
import { type ClientKind, clientKinds } from './client-programs.ts';
import {
  type Acks,
  type Codec,
  describeForeignClient,
  type ForeignClient,
  type KeyValue,
  type ReadFrom,
} from './foreign-client.ts';

function foreignClient(kind: ClientKind): ForeignClient {
  let program: ClientProgram | null = null;
  let servers = '';
  const started = async (): Promise<ClientProgram> => {
    program ??= await kind.start(servers);
    return program;
  };
  return {
    name: kind.name,
    codecs: kind.codecs,
    hasTimestamps: kind.hasTimestamps,
    isPresent: kind.isPresent,
    async connect(bootstrapServers) {
      servers = bootstrapServers;
    },
    async close() {
      await program?.kill();
    },
    async createTopic(topic, partitions) {
      await (await started()).create(topic, partitions);
    },
    async produce(topic: string, records: KeyValue[], how: { codec: Codec; acks: Acks }) {
      await (await started()).produce(topic, records, how);
    },
    async read(topic: string, from: ReadFrom, count: number) {
      const start = typeof from === 'object' ? `@${from.timestamp}` : String(from);
      const read = await (await started()).read(topic, start, count);
      return read.map(({ key, value }) => ({ key, value: value as string }));
    },
  };
}

// They wait more than they work: for the ends of polls.
describe('foreign clients', { concurrency: 3 }, () => {
  for (const kind of clientKinds) describeForeignClient(foreignClient(kind));
});
