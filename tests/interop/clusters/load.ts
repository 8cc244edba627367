// Producers that nobody hinders: Kafka's, librdkafka and ours, each a process that sends numbers to
// a topic of its own with acks=all and idempotence, and says what was acknowledged.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../root.ts';
import { cacheFolder, kafkaJava } from '../toolchain.ts';
import { bound } from './processes.ts';

export interface Acknowledged {
  readonly partition: number;
  /** null: librdkafka took an answer about a later batch for this one's, and knows no offset. */
  readonly offset: number | null;
  readonly value: string;
}

export interface LoadKind {
  readonly topic: string;
  command(servers: string, propertiesFile: string, rate: number): readonly string[] | null;
}

const verifiable = (servers: string, topic: string, file: string, rate: number): string[] => {
  const place = ['--bootstrap-server', servers, '--topic', topic, '--command-config', file];
  return [...place, '--throughput', `${rate}`, '--acks', '-1'];
};

export const loadKinds: readonly LoadKind[] = [
  {
    topic: 'java',
    command: (servers, file, rate) =>
      kafkaJava(
        'org.apache.kafka.tools.VerifiableProducer',
        ...verifiable(servers, 'java', file, rate),
      ),
  },
  {
    topic: 'librdkafka',
    command: (servers, _, rate) => {
      const python = join(cacheFolder('confluent-kafka-2.16.1'), 'bin/python');
      const program = join(projectRoot, 'tests/interop/clusters/producer.py');
      return existsSync(python) ? [python, program, servers, 'librdkafka', `${rate}`] : null;
    },
  },
  {
    topic: 'ours',
    command: (servers, file, rate) => [
      join(projectRoot, 'bin/kafka-verifiable-producer.sh'),
      ...verifiable(servers, 'ours', file, rate),
    ],
  },
];

/** They try again for as long as a fault may last. */
const properties = [
  'retries=2147483647',
  'delivery.timeout.ms=300000',
  'max.block.ms=300000',
  'request.timeout.ms=10000',
  'enable.idempotence=true',
  'retry.backoff.ms=100',
  'retry.backoff.max.ms=500',
  // After so much a producer chooses another partition: each of them is come to within seconds.
  'batch.size=2048',
];

export class Load {
  readonly topic: string;
  readonly acknowledged: Acknowledged[] = [];
  /** How many of them are in each partition. */
  readonly counts = new Map<number, number>();
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #rest = '';
  #said = '';
  #isStopping = false;
  #lastMs = performance.now();
  #longestPauseMs = 0;

  private constructor(topic: string, child: ChildProcess) {
    this.topic = topic;
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#onText(text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4_000);
    });
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        if (!this.#isStopping) this.errors.push(`ended with ${code ?? signal}: ${this.#said}`);
        resolve();
      });
    });
  }

  /** null where its toolchain is missing. */
  static start(
    kind: LoadKind,
    servers: string,
    how: { folder: string; rate: number },
  ): Load | null {
    const file = join(how.folder, 'producer.properties');
    writeFileSync(file, `${properties.join('\n')}\n`);
    const command = kind.command(servers, file, how.rate);
    if (command === null) return null;
    const [program, ...args] = bound(command) as [string, ...string[]];
    return new Load(kind.topic, spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  #onText(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() as string;
    for (const line of lines) {
      if (!line.startsWith('{')) continue;
      const { name, partition, offset, value, message } = JSON.parse(line);
      if (name === 'producer_send_success') {
        this.acknowledged.push({ partition, offset, value });
        this.counts.set(partition, (this.counts.get(partition) ?? 0) + 1);
        this.#notePause();
        this.#lastMs = performance.now();
      }
      if (name === 'producer_send_error') this.errors.push(`${value}: ${message ?? line}`);
    }
  }

  #notePause(): void {
    const pauseMs = performance.now() - this.#lastMs;
    this.#longestPauseMs = Math.max(this.#longestPauseMs, pauseMs);
  }

  /** The longest time without an acknowledgement since this was asked before. */
  takeLongestPauseMs(): number {
    this.#notePause();
    const longest = this.#longestPauseMs;
    this.#longestPauseMs = 0;
    return Math.round(longest);
  }

  /** Lets it send what it has begun with, and end. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  kill(): void {
    this.#isStopping = true;
    this.#child.kill('SIGKILL');
  }
}

export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
}

/**
 * Whether what was acknowledged is there once and in order; says what is not. `read` is by
 * partition, in the order of its offsets.
 */
export function judgeLoad(
  { topic, acknowledged, errors }: Pick<Load, 'topic' | 'acknowledged' | 'errors'>,
  read: readonly (readonly ReadRecord[])[],
): string[] {
  const found = errors.map((error) => `${topic}: ${error}`);
  const seen = new Map<string, string>();
  const at = new Map<string, string>();
  for (const [partition, records] of read.entries()) {
    let last = -1;
    for (const { offset, value } of records) {
      const place = `${partition}:${offset}`;
      at.set(place, value);
      const before = seen.get(value);
      if (before !== undefined) found.push(`${topic}: ${value} is at ${before} and at ${place}`);
      seen.set(value, place);
      if (Number(value) <= last) found.push(`${topic}: ${value} comes after ${last}, at ${place}`);
      last = Math.max(last, Number(value));
    }
  }
  for (const { partition, offset, value } of acknowledged) {
    const place = offset === null ? `partition ${partition}` : `${partition}:${offset}`;
    const there = at.get(offset === null ? (seen.get(value) ?? '') : place);
    const isThere = offset !== null || seen.get(value)?.startsWith(`${partition}:`);
    if (there === value && isThere) continue;
    found.push(`${topic}: ${value} was acknowledged at ${place}, where is ${there ?? 'nothing'}`);
  }
  return found;
}
