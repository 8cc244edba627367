// A foreign client behind a small program of ours in the client's own language. The programs read
// one request a line and answer each with lines that bear its number, so that a reader may wait
// while a producer goes on. Fields are separated by tabs; bytes are base64, and "-" is null.
//
//   create topic partitions configs        delete topic         offset topic partition from
//   produce topic partition codec acks properties record…      (its offsets come back)
//   transact topic partition id properties record…             (the same, in one transaction)
//   assign member topic partition from properties (from: beginning, end, 7, @timestamp)
//   join member group topics properties    assignment member    commit member    leave member
//   take member count timeout-ms           (records that have arrived, in order, up to the count)
//
// Closing the program's stdin or killing it ends its members without their leaving.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Codec } from './foreign-client.ts';

/** Without partition and offset, which a record gets when it is stored. */
export interface SentRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestamp?: number;
  readonly headers?: readonly (readonly [name: string, value: string | null])[];
}

export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  /** -1 if the client does not know timestamps. */
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

export interface ProduceOptions {
  readonly codec?: Codec;
  readonly acks?: 0 | 1 | -1;
  readonly partition?: number;
  readonly properties?: Properties;
}

export type Properties = Readonly<Record<string, string | number | boolean>>;

export interface AssignOptions {
  readonly partition?: number;
  readonly properties?: Properties;
}

/** An error that the client reported, by the name that the client has for it. */
export class ClientError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

interface Pending {
  readonly lines: string[][];
  readonly resolve: (lines: string[][]) => void;
  readonly reject: (error: Error) => void;
}

export class ClientProgram {
  readonly #child: ChildProcess;
  readonly #pending = new Map<string, Pending>();
  #requests = 0;
  #members = 0;
  #errors = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-4_000);
    });
    this.#child.stdin?.on('error', () => {});
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
      this.#onLine(line.split('\t')),
    );
    this.#child.once('error', (error) => this.#onEnd(error));
    this.#child.once('exit', (code, signal) =>
      this.#onEnd(new Error(`${command} ended with ${code ?? signal}: ${this.#errors}`)),
    );
  }

  async create(topic: string, partitions = 1, configs: Properties = {}): Promise<void> {
    await this.ask('create', topic, String(partitions), propertiesText(configs));
  }

  async delete(topic: string): Promise<void> {
    await this.ask('delete', topic);
  }

  /** In one batch, if it fits; returns the offsets. */
  async produce(
    topic: string,
    records: readonly SentRecord[],
    how: ProduceOptions = {},
  ): Promise<number[]> {
    const { codec = 'none', acks = -1, partition = 0, properties = {} } = how;
    const settings = [codec, String(acks), propertiesText(properties)];
    const texts = records.map(recordText);
    const lines = await this.ask('produce', topic, String(partition), ...settings, ...texts);
    return lines.map(([, offset]) => Number(offset));
  }

  /** In one transaction, by a producer of its own; returns the offsets. */
  async transact(
    topic: string,
    transactionalId: string,
    records: readonly SentRecord[],
    properties: Properties = {},
  ): Promise<number[]> {
    const texts = records.map(recordText);
    const settings = [transactionalId, propertiesText(properties)];
    const lines = await this.ask('transact', topic, '0', ...settings, ...texts);
    return lines.map(([, offset]) => Number(offset));
  }

  async offset(topic: string, from: string, partition = 0): Promise<number> {
    const lines = await this.ask('offset', topic, String(partition), from);
    return Number(lines[0]?.[1]);
  }

  async assign(topic: string, from: string, options: AssignOptions = {}): Promise<ProgramMember> {
    const name = this.#newMember();
    const { partition = 0, properties = {} } = options;
    await this.ask('assign', name, topic, String(partition), from, propertiesText(properties));
    return this.#member(name);
  }

  async join(group: string, topics: string, properties: Properties = {}): Promise<ProgramMember> {
    const name = this.#newMember();
    await this.ask('join', name, group, topics, propertiesText(properties));
    return this.#member(name);
  }

  /** Reads by assignment until `count` records are there; fails after the time-out. */
  async read(
    topic: string,
    from: string,
    count: number,
    options: AssignOptions = {},
  ): Promise<ReadRecord[]> {
    const member = await this.assign(topic, from, options);
    try {
      return await member.take(count);
    } finally {
      await member.leave();
    }
  }

  /** Ends the program at once; its members do not leave their groups. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #newMember(): string {
    return `m${++this.#members}`;
  }

  #member(name: string): ProgramMember {
    return new ProgramMember(name, (verb, ...args) => this.ask(verb, name, ...args));
  }

  /** One request; returns the fields of the lines that answer it. */
  ask(verb: string, ...args: string[]): Promise<string[][]> {
    if (this.#child.exitCode !== null) throw new Error(`the client has ended: ${this.#errors}`);
    const id = String(++this.#requests);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { lines: [], resolve, reject });
      this.#child.stdin?.write(`${[id, verb, ...args].join('\t')}\n`);
    });
  }

  #onLine([id = '', ...fields]: string[]): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    const [kind, name = '', message = ''] = fields;
    if (kind !== 'ok' && kind !== 'error') {
      pending.lines.push(fields);
      return;
    }
    this.#pending.delete(id);
    if (kind === 'ok') pending.resolve(pending.lines);
    else pending.reject(new ClientError(name, message));
  }

  #onEnd(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** A consumer that polls in the background, from the moment it is made until it leaves. */
export class ProgramMember {
  readonly name: string;
  readonly #ask: (verb: string, ...args: string[]) => Promise<string[][]>;

  constructor(name: string, ask: (verb: string, ...args: string[]) => Promise<string[][]>) {
    this.name = name;
    this.#ask = ask;
  }

  /** Waits for exactly this many records. */
  async take(count: number, timeoutMs = 20_000): Promise<ReadRecord[]> {
    const records = await this.takeUpTo(count, timeoutMs);
    if (records.length === count) return records;
    const last = records.at(-1);
    throw new Error(`${records.length} of ${count} records in ${timeoutMs} ms; the last at
      ${last?.offset}: ${last?.key} ${last?.value?.slice(0, 80)}`);
  }

  /** What has arrived, waiting for more only until the time is up. */
  async takeUpTo(count: number, timeoutMs: number): Promise<ReadRecord[]> {
    const lines = await this.#ask('take', String(count), String(timeoutMs));
    return lines.map(readRecord);
  }

  /** Topic-partitions, such as `topic-0`. */
  async assignment(): Promise<string[]> {
    const lines = await this.#ask('assignment');
    return (lines[0]?.[1] ?? '').split(',').filter((one) => one !== '');
  }

  /** Commits the positions, which are behind everything that has arrived. */
  async commit(): Promise<void> {
    await this.#ask('commit');
  }

  async leave(): Promise<void> {
    await this.#ask('leave');
  }
}

function propertiesText(properties: Properties): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

function bytesText(text: string | null): string {
  return text === null ? '-' : Buffer.from(text).toString('base64');
}

function textOf(field: string | undefined): string | null {
  return field === '-' ? null : Buffer.from(field ?? '', 'base64').toString();
}

function recordText({ key, value, timestamp, headers = [] }: SentRecord): string {
  const headersText = headers.map(([name, each]) => `${name}:${bytesText(each)}`).join(';');
  return [timestamp ?? '', bytesText(key), bytesText(value), headersText].join(',');
}

function readRecord([, partition, offset, timestamp, key, value, headers]: string[]): ReadRecord {
  const headerTexts = (headers ?? '').split(';').filter((one) => one !== '');
  return {
    partition: Number(partition),
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: textOf(key),
    value: textOf(value),
    headers: headerTexts.map((one) => {
      const end = one.indexOf(':');
      return [one.slice(0, end), textOf(one.slice(end + 1))];
    }),
  };
}
