// The counting application (java/Counting.java): how an instance is started, the topics that it is
// given, and those that Kafka Streams makes for it.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { projectRoot } from '../../root.ts';
import { ClientProgram } from '../client-program.ts';
import { javaCommandOf, javaSources } from '../client-programs.ts';
import { answers, cacheFolder, present } from '../toolchain.ts';
import type { Command } from '../transactional/transactional-clients.ts';
import type { Counts } from './count-judge.ts';

const here = join(projectRoot, 'tests/interop/streams');
const pom = readFileSync(join(here, 'pom.xml'), 'utf8');
const release = /<streams\.version>(.*)<\/streams\.version>/.exec(pom)?.[1] as string;
const jars = cacheFolder(`kafka-streams-${release}`);

export const windowMs = 5_000;
export const applicationId = 'counting';
/** Partitions by topic: what is given to the application. */
export const topics = { words: 3, counted: 2, 'counted-in-windows': 2 };
export const repartition = `${applicationId}-by-word-repartition`;
/** By store. */
export const changelogs = {
  counts: `${applicationId}-counts-changelog`,
  'counts-of-windows': `${applicationId}-counts-of-windows-changelog`,
};

/** Small segments that are soon compacted, quick rebalances, nothing held back in caches. */
const properties = {
  'processing.guarantee': 'exactly_once_v2',
  'statestore.cache.max.bytes': '0',
  'commit.interval.ms': '100',
  'repartition.purge.interval.ms': '1000',
  'session.timeout.ms': '6000',
  'heartbeat.interval.ms': '500',
  'transaction.timeout.ms': '6000',
  'topic.segment.ms': '1000',
  'topic.min.cleanable.dirty.ratio': '0.01',
};

export function hasStreams(t: TestContext): boolean {
  const isPresent = answers('javac', '-version') && existsSync(join(jars, '.complete'));
  return present(t, isPresent, `A Java compiler or Kafka Streams ${release}`);
}

/** Where instances keep what they must not share. */
export class StateDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'partita-streams-'));

  dispose(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export async function countingCommand(
  servers: string,
  stateDirectory: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Command> {
  const command = await javaCommandOf(jars, javaSources(join(here, 'java')), 'Counting');
  const pairs = Object.entries({ ...properties, ...more }).map((pair) => pair.join('='));
  return [...command, servers, applicationId, stateDirectory, String(windowMs), pairs.join()];
}

export async function startCounting(
  ...args: Parameters<typeof countingCommand>
): Promise<ClientProgram> {
  const [command, ...rest] = await countingCommand(...args);
  return new ClientProgram(command, rest);
}

/** What is in a store of the instance, once it is restored. */
export async function dumpOf(
  instance: ClientProgram,
  store: keyof typeof changelogs,
): Promise<Counts> {
  const lines = await instance.ask('dump', store);
  return new Map(lines.map(([name = '', count]) => [name, Number(count)]));
}
