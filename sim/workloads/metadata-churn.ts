// An admin client that creates, changes and deletes topics of its own, one thing after the other,
// looks at them now and then, and reports to the checker what it was told and what it saw.

import type { Prng } from '../../src/base/prng.ts';
import { Admin, ErrorCode } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import type { ClusterMetadata, TopicState } from '../checkers/index.ts';

export interface ChurnOptions {
  readonly bootstrapServers: string;
  readonly metadata: ClusterMetadata;
  readonly prng: Prng;
  /** Names that nobody else touches. */
  readonly topics: readonly string[];
  readonly changeCount: number;
}

/**
 * Longer than any disaster: a change that is given up could still happen after it was looked for.
 */
const patienceMs = 3_600_000;

/** A change as it was asked for, and the state it leads to. */
interface Change {
  readonly name: string;
  readonly after: TopicState | null;
  /** Resolves to what the broker said: an error, or the topic's id if it told. */
  readonly ask: () => Promise<{ error: Error | null; topicId?: string | null }>;
}

export async function churnMetadata(io: Io, options: ChurnOptions): Promise<void> {
  const { bootstrapServers, metadata, prng } = options;
  const admin = new Admin({ bootstrapServers, defaultApiTimeoutMs: patienceMs }, io);
  for (let i = 0; i < options.changeCount; i++) {
    const name = prng.pick(options.topics);
    const before = metadata.certain(name);
    if (before === undefined || prng.chance(0.2)) await look(admin, name, metadata);
    else await change(metadata, draw(admin, { name, before, prng, number: i }));
    await io.clock.sleep(prng.int(60));
  }
  await admin.close();
}

/** Everything that the cluster has is held against what it should have. */
export async function compareMetadata(
  io: Io,
  { bootstrapServers, metadata }: Pick<ChurnOptions, 'bootstrapServers' | 'metadata'>,
): Promise<void> {
  const admin = new Admin({ bootstrapServers }, io);
  metadata.onListed((await admin.listTopics()).map(({ name }) => name));
  for (const name of metadata.names) await look(admin, name, metadata);
  await admin.close();
}

async function change(metadata: ClusterMetadata, { name, after, ask }: Change): Promise<void> {
  // While it is under way, a retry of it may be told of its own first attempt.
  metadata.onUnknown(name, after);
  let answer: { error: Error | null; topicId?: string | null };
  try {
    answer = await ask();
  } catch {
    // No answer in time: it may have happened.
    return;
  }
  if (answer.error !== null) return;
  const topicId = answer.topicId ?? after?.topicId ?? null;
  metadata.onAcknowledged(name, after === null ? null : { ...after, topicId });
}

function draw(
  admin: Admin,
  state: { name: string; before: TopicState | null; prng: Prng; number: number },
): Change {
  const { name, before, prng, number } = state;
  if (before === null) return creation(admin, state);
  const kind = prng.pick(['delete', 'grow', 'set', 'unset'] as const);
  if (kind === 'delete') {
    const ask = async () => ({ error: (await admin.deleteTopics([name]))[0]?.error ?? null });
    return { name, after: null, ask };
  }
  if (kind === 'grow') {
    const totalCount = before.partitionCount + 1 + prng.int(2);
    const ask = async () => ({
      error: (await admin.createPartitions([{ name, totalCount }]))[0]?.error ?? null,
    });
    return { name, after: { ...before, partitionCount: totalCount }, ask };
  }
  const key = prng.pick(['retention.ms', 'max.message.bytes']);
  const value = String(1_000_000 + number);
  const { [key]: _, ...others } = before.configs;
  const isSet = kind === 'set';
  const config = isSet
    ? ({ name: key, operation: 'set', value } as const)
    : ({ name: key, operation: 'delete' } as const);
  const ask = async () => {
    const resource = { type: 'topic', name, configs: [config] } as const;
    return { error: (await admin.incrementalAlterConfigs([resource]))[0]?.error ?? null };
  };
  return { name, after: { ...before, configs: isSet ? { ...others, [key]: value } : others }, ask };
}

function creation(
  admin: Admin,
  { name, prng, number }: { name: string; prng: Prng; number: number },
): Change {
  const partitionCount = 1 + prng.int(3);
  const configs: Record<string, string> = prng.chance(0.5)
    ? { 'retention.ms': String(2_000_000 + number) }
    : {};
  const ask = async () => {
    const [created] = await admin.createTopics([{ name, numPartitions: partitionCount, configs }]);
    return { error: created?.error ?? null, topicId: created?.topicId ?? null };
  };
  return { name, after: { topicId: null, partitionCount, configs }, ask };
}

async function look(admin: Admin, name: string, metadata: ClusterMetadata): Promise<void> {
  let seen: TopicState | null;
  try {
    seen = await describe(admin, name);
  } catch {
    // The broker is down for longer than we wait.
    return;
  }
  metadata.onSeen(name, seen);
}

async function describe(admin: Admin, name: string): Promise<TopicState | null> {
  const [topic] = await admin.describeTopics([name]);
  if (topic === undefined || topic.error?.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
    return null;
  }
  if (topic.error !== null) throw topic.error;
  const [described] = await admin.describeConfigs([{ type: 'topic', name }]);
  if (described === undefined || described.error !== null) throw described?.error;
  const own = described.configs.filter(({ source }) => source === 'DYNAMIC_TOPIC_CONFIG');
  return {
    topicId: topic.topicId,
    partitionCount: topic.partitions.length,
    configs: Object.fromEntries(own.map(({ name: key, value }) => [key, value ?? ''])),
  };
}
