// The table of API, version, rights and answer: every request of cases.ts in every version, under
// every grant of grants.ts, from a client at an address of its own. On a listener that asks nobody
// all are User:ANONYMOUS, and ACLs tell an administrator at 127.0.0.1 from the client at 127.0.0.2.

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import {
  type Api,
  apiVersions,
  createAcls,
  createTopics,
  decodeResponse,
  deleteAcls,
  describeGroups,
  encodeBatch,
  encodeRequest,
  errorName,
  type Fields,
  findCoordinator,
  initProducerId,
  isIn,
  metadata,
} from '../../../src/protocol/index.ts';
import { AclOperation, AclResource } from '../../../src/security/acl/index.ts';
import { type Case, casesOf, resources } from './cases.ts';
import { type Grant, grants } from './grants.ts';

export const adminHost = '127.0.0.1';
const clientHost = '127.0.0.2';
export const principal = 'User:ANONYMOUS';
/** Who says nothing for so long has hung up. */
const answerMsMax = 10_000;

/** A connection from an address, one request at a time. */
export class Asker {
  readonly #port: number;
  readonly #host: string;
  #socket: Socket | null = null;
  #received = Buffer.alloc(0);
  #onAnswer: ((frame: Buffer | null) => void) | null = null;

  constructor(port: number, host: string) {
    this.#port = port;
    this.#host = host;
  }

  async #connected(): Promise<Socket> {
    if (this.#socket !== null) return this.#socket;
    const to = { host: '127.0.0.1', port: this.#port, localAddress: this.#host };
    const socket = connect(to);
    this.#received = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#socket = null;
      this.#settle(null);
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    this.#socket = socket;
    return socket;
  }

  #settle(frame: Buffer | null): void {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = null;
    onAnswer?.(frame);
  }

  #onData(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (this.#received.length < 4) return;
    const size = this.#received.readInt32BE(0);
    if (this.#received.length < 4 + size) return;
    const frame = this.#received.subarray(4, 4 + size);
    this.#received = this.#received.subarray(4 + size);
    this.#settle(frame);
  }

  /** null: the broker hung up. */
  async ask(api: Api, version: number, body: unknown): Promise<unknown> {
    const header = { correlationId: 1, clientId: 'table' };
    const frames = encodeRequest(api, version, header, trimmed(api.request.fields, body, version));
    const socket = await this.#connected();
    const answered = new Promise<Buffer | null>((resolve) => {
      this.#onAnswer = resolve;
    });
    for (const frame of frames) socket.write(frame);
    const giveUp = setTimeout(() => {
      if (process.env.TABLE_DEBUG) console.log(`no answer to ${api.name} v${version}`);
      socket.destroy();
    }, answerMsMax);
    const frame = await answered;
    clearTimeout(giveUp);
    return frame === null ? null : decodeResponse(api, version, frame).body;
  }

  close(): void {
    this.#socket?.destroy();
  }
}

/** What the version can carry of a body. */
function trimmed(fields: Fields, value: unknown, version: number): never {
  if (typeof value !== 'object' || value === null) return value as never;
  const kept: Record<string, unknown> = {};
  for (const [name, each] of Object.entries(value)) {
    const field = fields[name];
    if (field === undefined || !isIn(field.versions, version)) continue;
    const inner = typeof field.element === 'object' ? (field.element as Fields | null) : null;
    if (each === null && !isIn(field.nullable, version)) continue;
    if (inner === null) kept[name] = each;
    else if (Array.isArray(each)) kept[name] = each.map((one) => trimmed(inner, one, version));
    else kept[name] = trimmed(inner, each, version);
  }
  return kept as never;
}

/** Answers by API and rights, in the order of the cases. */
export type Table = ReadonlyMap<string, string>;

/** By name of the API. */
export type Versions = ReadonlyMap<string, { readonly min: number; readonly max: number }>;

/** Those of the answers in a table. */
export function versionsIn(table: Table): Versions {
  return new Map(
    Array.from(table.keys(), (name) => {
      const [, api, min, max] = /^(\S+) v(\d+)-(\d+)/.exec(name) as unknown as string[];
      return [api as string, { min: Number(min), max: Number(max) }];
    }),
  );
}

/** Asks a new broker, which lets everybody do everything on what no ACL is about. */
export async function tableOf(port: number, known: Versions = new Map()): Promise<Table> {
  const [admin, client] = [new Asker(port, adminHost), new Asker(port, clientHost)];
  try {
    const cases = await prepared(admin);
    const versions = await servedVersions(client);
    const answers = new Map<string, Map<string, string[]>>();
    for (const grant of grants) {
      await give(admin, grant, client);
      for (const each of cases) {
        const { min, max } = known.get(each.api.name) ?? versions(each.api);
        const name = `${each.api.name} v${min}-${max} ${each.what}`.trim();
        for (let version = Math.max(min, each.versionMin); version <= max; version++) {
          const answer = shown(await client.ask(each.api, version, each.body));
          note(answers, name, `v${version} ${answer}`, grant);
        }
      }
    }
    return compressed(answers);
  } finally {
    admin.close();
    client.close();
  }
}

async function prepared(admin: Asker): Promise<Case[]> {
  const anything = Object.values(AclResource).filter((type) => type > 1 && type < 7);
  const creations = anything.map((resourceType) => ({
    resourceType,
    resourceName: resourceType === AclResource.CLUSTER ? resources.cluster : '*',
    ...{ resourcePatternType: 3, principal, host: adminHost },
    ...{ operation: AclOperation.ALL, permissionType: 3 },
  }));
  // The last one, for it is what allows the others.
  creations.sort((a, b) => Number(a.resourceType === 4) - Number(b.resourceType === 4));
  const made = (await admin.ask(createAcls, 3, { creations })) as {
    results: { errorCode: number }[];
  };
  for (const { errorCode } of made.results) assert.equal(errorName(errorCode), 'NONE');
  const topic = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  await admin.ask(createTopics, 5, {
    topics: [resources.topic, 'hidden'].map((name) => ({ name, ...topic })),
    ...{ timeoutMs: 10_000, validateOnly: false },
  });
  const topicId = await topicIdOf(admin);
  await coordinatorsReady(admin);
  return casesOf({ topicId }, (isTransactional) => {
    const producer = isTransactional ? { producerId: 4242, producerEpoch: 0, baseSequence: 0 } : {};
    const records = [{ value: Buffer.from('x'), timestamp: Date.now() }];
    return encodeBatch({ records, isTransactional, ...producer });
  });
}

/** Their topics are made when they are asked for first. */
async function coordinatorsReady(admin: Asker): Promise<void> {
  const { group, transactionalId } = resources;
  for (let attempt = 0; attempt < 100; attempt++) {
    for (const [key, keyType] of [
      [group, 0],
      [transactionalId, 1],
    ] as const) {
      await admin.ask(findCoordinator, 4, { keyType, coordinatorKeys: [key] });
    }
    const { groups } = (await admin.ask(describeGroups, 5, { groups: [group] })) as {
      groups: { errorCode: number }[];
    };
    const producer = { transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1 };
    const { errorCode } = (await admin.ask(initProducerId, 4, {
      transactionalId,
      ...producer,
    })) as {
      errorCode: number;
    };
    if (groups[0]?.errorCode === 0 && errorCode === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the coordinators are not ready');
}

/** When its leader is known. */
async function topicIdOf(admin: Asker): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = (await admin.ask(metadata, 12, {
      topics: [{ name: resources.topic, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
      allowAutoTopicCreation: false,
    })) as { topics: { errorCode: number; topicId: string; partitions: { leaderId: number }[] }[] };
    const [topic] = answer.topics;
    if (topic?.errorCode === 0 && (topic.partitions[0]?.leaderId ?? -1) >= 0) return topic.topicId;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the topic has no leader');
}

/** Those that the broker and our schemas have. */
async function servedVersions(client: Asker) {
  const answer = (await client.ask(apiVersions, 3, {
    ...{ clientSoftwareName: 'table', clientSoftwareVersion: '1' },
  })) as { apiKeys: { apiKey: number; minVersion: number; maxVersion: number }[] };
  const served = new Map(answer.apiKeys.map((each) => [each.apiKey, each]));
  return ({ key, versions }: Api) => {
    const { minVersion = 1, maxVersion = 0 } = served.get(key) ?? {};
    return { min: Math.max(minVersion, versions.min), max: Math.min(maxVersion, versions.max) };
  };
}

/** Takes what the client had, gives it these, and waits until the broker has applied them. */
async function give(admin: Asker, { rights }: Grant, client: Asker): Promise<void> {
  const any = { resourceNameFilter: null, principalFilter: null, patternTypeFilter: 1 };
  await admin.ask(deleteAcls, 3, {
    filters: [
      ...[clientHost].map((hostFilter) => ({
        ...{ ...any, hostFilter, resourceTypeFilter: 1, operation: 1, permissionType: 1 },
      })),
    ],
  });
  await until(client, false);
  // On a topic of its own, by which it is seen that the others are in force.
  const mark = { resourceType: AclResource.TOPIC, resourceName: 'hidden', operation: 8 };
  const creations = [...rights, mark].map((each) => ({
    ...{ ...each, resourcePatternType: 3, principal, host: clientHost, permissionType: 3 },
  }));
  await admin.ask(createAcls, 3, { creations });
  await until(client, true);
}

async function until(client: Asker, isSeen: boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const answer = (await client.ask(metadata, 12, {
      topics: [{ name: 'hidden', topicId: 'AAAAAAAAAAAAAAAAAAAAAA' }],
      allowAutoTopicCreation: false,
    })) as { topics: { errorCode: number }[] };
    if ((answer.topics[0]?.errorCode === 0) === isSeen) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the broker does not apply the ACLs');
}

const identities = [
  ...['name', 'topic', 'topicName', 'groupId', 'key', 'transactionalId', 'resourceType'],
];

/**
 * Of an answer what rights decide: errors, what is named, and the operations that are told. What
 * stands beside each other is in the order of its texts, for brokers order it as they like.
 */
function shown(answer: unknown): string {
  if (answer === null) return 'hangs up';
  const text = textOf(answer);
  return text === '' ? 'nothing' : text;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) {
    const texts = value.map(textOf).filter((each) => each !== '');
    return texts.sort().join('; ');
  }
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return '';
  const fields = value as Readonly<Record<string, unknown>>;
  const identity = identities.map((name) => fields[name]).find((each) => isNamed(each));
  const said: string[] = [];
  for (const [name, each] of Object.entries(fields)) {
    if (/ErrorCode$/i.test(name)) said.push(errorName(each as number));
    if (/Operations$/.test(name)) said.push(`operations ${each}`);
  }
  for (const [name, each] of Object.entries(fields)) {
    const inner = leftOut.has(name) ? '' : textOf(each);
    if (inner !== '') said.push(`(${inner})`);
  }
  const named = identity === undefined ? [] : [String(identity)];
  return said.length === 0 && named.length === 0 ? '' : [...named, ...said].join(' ');
}

/** Keys of every release, and the nodes of a quorum, of which there is none here. */
const leftOut: ReadonlySet<string> = new Set(['configs', 'nodes']);

function isNamed(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || typeof value === 'number';
}

function note(
  answers: Map<string, Map<string, string[]>>,
  name: string,
  answer: string,
  { name: grant }: Grant,
): void {
  const ofApi = answers.get(name) ?? new Map<string, string[]>();
  answers.set(name, ofApi);
  const under = ofApi.get(grant) ?? [];
  ofApi.set(grant, under);
  under.push(answer);
}

/**
 * One line for all rights with the same answers, `whatever else` for those of no right at all;
 * `v0-5` for versions with the same.
 */
function compressed(answers: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>): Table {
  const table = new Map<string, string>();
  for (const [name, byGrant] of answers) {
    const byAnswer = new Map<string, string[]>();
    for (const [grant, lines] of byGrant) {
      const text = joined(lines);
      byAnswer.set(text, [...(byAnswer.get(text) ?? []), grant]);
    }
    const lines = [...byAnswer].map(([text, under]) => {
      const rights = under.includes('nothing') ? 'whatever else' : under.join(' | ');
      return `  ${rights}\n${text.replace(/^/gm, '    ')}`;
    });
    table.set(name, lines.join('\n'));
  }
  return table;
}

function joined(lines: readonly string[]): string {
  const runs: { from: string; to: string; answer: string }[] = [];
  for (const line of lines) {
    const [, version, answer] = /^v(\d+) (.*)$/.exec(line) as unknown as [string, string, string];
    const last = runs.at(-1);
    if (last?.answer === answer) last.to = version;
    else runs.push({ from: version, to: version, answer });
  }
  return runs
    .map(({ from, to, answer }) => `v${from === to ? from : `${from}-${to}`} ${answer}`)
    .join('\n');
}

export function written(table: Table): string {
  return [...table].map(([name, lines]) => `${name}\n${lines}\n`).join('\n');
}

export function read(text: string): Table {
  const blocks = text.trimEnd().split(/\n\n/);
  return new Map(
    blocks.map((block) => {
      const end = block.indexOf('\n');
      return [block.slice(0, end), block.slice(end + 1)];
    }),
  );
}
