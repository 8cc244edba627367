// Readers of committed records: kcat, which reads to the end or goes on reading, and the programs
// of the foreign clients and our client, which read by assignment.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Consumer } from '../../../src/client/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import type { ClientProgram, ProgramMember } from '../client-program.ts';
import { kcat } from '../toolchain.ts';
import type { SeenRecord } from './transaction-judge.ts';

const format = ['-f', '%t-%p\\t%o\\t%s\\n'];

function kcatArgs(servers: string, topic: string): string[] {
  const where = ['-b', servers, '-t', topic, '-o', 'beginning'];
  // It learns that it is at the end from an answer without records: not after half a second.
  const properties = ['-X', 'isolation.level=read_committed', '-X', 'fetch.wait.max.ms=20'];
  return ['-C', ...where, '-q', ...properties, ...format];
}

function seenRecord(line: string): SeenRecord {
  const [partition = '', offset, value = ''] = line.split('\t');
  return { partition, offset: Number(offset), value };
}

/** What kcat reads until it has come to the end of every partition. */
export async function readByKcat(servers: string, topic: string): Promise<SeenRecord[]> {
  const { code, stdout, stderr } = await kcat([...kcatArgs(servers, topic), '-e']);
  if (code !== 0) throw new Error(`kcat: ${stderr}`);
  const lines = stdout.split('\n').slice(0, -1);
  return lines.map(seenRecord);
}

export interface SteadyReader {
  readonly name: string;
  /** By topic. */
  seen(topic: string): Promise<readonly SeenRecord[]>;
  dispose(): Promise<void> | void;
}

/** Reads from the beginning on, and over restarts of the broker. */
export function steadyKcat(servers: string, topics: readonly string[]): SteadyReader {
  const children: ChildProcess[] = [];
  const records = new Map<string, SeenRecord[]>();
  for (const topic of topics) {
    const list: SeenRecord[] = [];
    records.set(topic, list);
    const child = spawn('kcat', [...kcatArgs(servers, topic), '-u', '-E'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    createInterface({ input: child.stdout }).on('line', (line) => list.push(seenRecord(line)));
  }
  return {
    name: 'kcat, reading throughout,',
    seen: async (topic) => records.get(topic) as SeenRecord[],
    dispose: () => {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

/** The same by our client, a consumer for every topic. */
export async function steadyOurs(
  bootstrapServers: string,
  topics: Readonly<Record<string, number>>,
): Promise<SteadyReader> {
  const records = new Map<string, SeenRecord[]>();
  const consumers: Consumer[] = [];
  const polls: Promise<void>[] = [];
  // That the broker is away is no news here.
  const io = createNodeIo({ logLevel: 'error' });
  let isEnding = false;
  let failure: unknown = null;
  const readAll = async (topic: string, consumer: Consumer): Promise<void> => {
    while (!isEnding) {
      for (const { partition, offset, value } of await consumer.poll(100)) {
        const place = `${topic}-${partition}`;
        records.get(topic)?.push({ partition: place, offset, value: String(value) });
      }
    }
  };
  for (const [topic, count] of Object.entries(topics)) {
    records.set(topic, []);
    const consumer = new Consumer({ bootstrapServers, isolationLevel: 'read_committed' }, io);
    consumers.push(consumer);
    const partitions = Array.from({ length: count }, (_, partition) => partition);
    const offset = 'earliest' as const;
    await consumer.assign(partitions.map((partition) => ({ topic, partition, offset })));
    const polling = readAll(topic, consumer).catch((error: unknown) => {
      failure ??= error;
    });
    polls.push(polling);
  }
  return {
    name: 'our client, reading throughout,',
    async seen(topic) {
      if (failure !== null) throw failure;
      return records.get(topic) as SeenRecord[];
    },
    async dispose() {
      isEnding = true;
      await Promise.all(polls);
      for (const consumer of consumers) await consumer.close();
    },
  };
}

/** The same by a foreign client's program, a consumer for every partition. */
export async function steadyProgram(
  name: string,
  program: ClientProgram,
  topics: Readonly<Record<string, number>>,
): Promise<SteadyReader> {
  const records = new Map<string, SeenRecord[]>();
  const members: { topic: string; member: ProgramMember }[] = [];
  const properties = { 'isolation.level': 'read_committed' };
  for (const [topic, partitions] of Object.entries(topics)) {
    records.set(topic, []);
    for (let partition = 0; partition < partitions; partition++) {
      const member = await program.assign(topic, 'beginning', { partition, properties });
      members.push({ topic, member });
    }
  }
  const takeAll = async (): Promise<void> => {
    for (const { topic, member } of members) {
      for (const { partition, offset, value } of await member.takeUpTo(1_000_000, 0)) {
        const place = `${topic}-${partition}`;
        records.get(topic)?.push({ partition: place, offset, value: value as string });
      }
    }
  };
  return {
    name: `${name}, reading throughout,`,
    async seen(topic) {
      await takeAll();
      return records.get(topic) as SeenRecord[];
    },
    dispose: () => program.kill(),
  };
}
