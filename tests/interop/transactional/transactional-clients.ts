// The clients whose transactions are tried, and the programs that each has: a writer of
// transactions, a copier (consume, transform, produce), and a transactor, which does one call of
// the client a request (see the heads of java/*.java for what they are given and what they say).

import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../../root.ts';
import { buildGo } from '../builds.ts';
import { ClientProgram } from '../client-program.ts';
import {
  confluentClient,
  franzClient,
  javaCommand,
  javaRelease,
  javaSources,
  pythonOf,
} from '../client-programs.ts';

export type Command = readonly [string, ...string[]];

export interface WriterOptions {
  readonly servers: string;
  readonly transactionalId: string;
  readonly incarnation: number;
  /** Partitions by topic. */
  readonly topics: Readonly<Record<string, number>>;
}

export interface CopierOptions {
  readonly servers: string;
  readonly transactionalId: string;
  readonly group: string;
  readonly input: string;
  readonly output: string;
}

export interface CopyingClient {
  readonly name: string;
  /** False if the toolchain is missing (the test is then skipped). */
  isPresent(t: TestContext): boolean;
  copier(options: CopierOptions): Promise<Command>;
  /**
   * A consumer that outlives several deaths of its broker may read nothing any more, on Apache
   * Kafka too: it has to be started again.
   */
  readonly goesDeafWithItsBroker?: boolean;
}

export interface TransactionalClient extends CopyingClient {
  writer(options: WriterOptions): Promise<Command>;
  /** Ends with the test's program if it is not killed before. */
  transactor(servers: string): Promise<ClientProgram>;
}

const here = join(projectRoot, 'tests/interop/transactional');
const transactionTimeout = 'transaction.timeout.ms=10000';
const session = 'session.timeout.ms=6000,heartbeat.interval.ms=500';

export const javaTransactions: readonly TransactionalClient[] = [
  // The newest both in transactions of the second protocol and in groups of the new one.
  javaTransactional('4.4.0', 'group.protocol=consumer'),
  javaTransactional('3.9.1', session),
  javaTransactional('2.8.2', session),
];

export const pythonTransactions: TransactionalClient = {
  name: 'confluent-kafka (Python)',
  goesDeafWithItsBroker: true,
  isPresent: confluentClient.isPresent,
  writer: async (options) => python('writer', ...writerArgs(options), transactionTimeout),
  copier: async (options) =>
    python('copier', ...copierArgs(options), `${transactionTimeout},${session}`),
  async transactor(servers) {
    const [command, ...args] = python('transactor', servers);
    return new ClientProgram(command, args);
  },
};

/** Its transactions are those of a session that consumes in a group. */
export const franzCopier: CopyingClient = {
  name: franzClient.name,
  isPresent: franzClient.isPresent,
  copier: async (options) => [await buildGo(), 'copier', ...copierArgs(options), session],
};

export const ourTransactions: TransactionalClient = {
  name: 'our client',
  isPresent: () => true,
  writer: async (options) => ours('writer', ...writerArgs(options), transactionTimeout),
  copier: async (options) =>
    ours('copier', ...copierArgs(options), `${transactionTimeout},${session}`),
  async transactor(servers) {
    const [command, ...args] = ours('transactor', servers);
    return new ClientProgram(command, args);
  },
};

function ours(program: string, ...args: string[]): Command {
  // The compiled one, which is beside this.
  const path = fileURLToPath(new URL('./our-client.js', import.meta.url));
  return [process.execPath, path, program, ...args];
}

function javaTransactional(release: string, groups: string): TransactionalClient {
  const java = async (main: string, ...args: string[]): Promise<Command> => {
    const command = await javaCommand(release, javaSources(join(here, 'java')), main);
    return [...command, ...args];
  };
  return {
    name: `kafka-clients ${release}`,
    isPresent: (t) => javaRelease(release).isPresent(t),
    writer: (options) => java('Writer', ...writerArgs(options), transactionTimeout),
    copier: (options) => java('Copier', ...copierArgs(options), `${transactionTimeout},${groups}`),
    async transactor(servers) {
      const [command, ...args] = await java('Transactor', servers);
      return new ClientProgram(command, args);
    },
  };
}

function python(program: string, ...args: string[]): Command {
  return [pythonOf('bin/python'), '-u', join(here, 'python/programs.py'), program, ...args];
}

function writerArgs(options: WriterOptions): string[] {
  const { servers, transactionalId, incarnation, topics } = options;
  const partitions = Object.entries(topics).map(([topic, count]) => `${topic}:${count}`);
  return [servers, transactionalId, String(incarnation), partitions.join()];
}

function copierArgs(options: CopierOptions): string[] {
  const { servers, transactionalId, group, input, output } = options;
  return [servers, transactionalId, group, input, output];
}
