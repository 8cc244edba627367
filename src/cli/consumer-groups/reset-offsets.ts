// kafka-consumer-groups --reset-offsets: computes where groups are to go on reading, shows it, and
// with --execute commits it. Only for groups without members: a member would commit over it.

import { pushAll } from '../../base/push-all.ts';
import {
  type Admin,
  type ListedOffset,
  OffsetSpec,
  type TopicPartition,
} from '../../client/index.ts';
import { UsageError } from '../command-line.ts';
import { formatTable } from './group-table.ts';

export type Scenario =
  | { readonly kind: 'earliest' | 'latest' | 'current' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'shift'; readonly by: number }
  | { readonly kind: 'timestamp'; readonly timestampMs: number }
  | { readonly kind: 'plan'; readonly csv: string };

export interface ResetRequest {
  readonly groupIds: readonly string[];
  readonly scenario: Scenario;
  /** `topic` or `topic:0,1`; null for all topics that the group has offsets of. */
  readonly topics: readonly string[] | null;
  readonly isExecuted: boolean;
  readonly isExported: boolean;
}

export interface NewOffset extends TopicPartition {
  readonly group: string;
  readonly offset: number;
}

/** Returns false if a group could not be reset. */
export async function resetOffsets(admin: Admin, request: ResetRequest): Promise<boolean> {
  const planned: NewOffset[] = [];
  let isDone = true;
  for (const groupId of request.groupIds) {
    if (!(await isInactive(admin, groupId))) {
      isDone = false;
      continue;
    }
    const offsets = await newOffsets(admin, groupId, request);
    if (request.isExecuted) await commit(admin, groupId, offsets);
    pushAll(planned, offsets);
  }
  process.stdout.write(
    request.isExported
      ? `${exportPlan(planned, request.groupIds.length > 1)}\n`
      : `\n${planTable(planned)}`,
  );
  return isDone;
}

async function isInactive(admin: Admin, groupId: string): Promise<boolean> {
  const [group] = await admin.describeConsumerGroups([groupId]);
  // A group that is not there yet may be given offsets to begin from.
  if (group === undefined || group.error !== null) return true;
  if (group.state === 'Empty' || group.state === 'Dead') return true;
  process.stdout.write(
    `\nError: Assignments can only be reset if the group '${groupId}' is inactive, ` +
      `but the current state is ${group.state}.\n`,
  );
  return false;
}

async function commit(admin: Admin, groupId: string, offsets: readonly NewOffset[]): Promise<void> {
  for (const { topic, partition, error } of await admin.alterConsumerGroupOffsets(
    groupId,
    offsets,
  )) {
    if (error !== null) {
      throw new UsageError(`${groupId} at ${topic}-${partition}: ${error.message}`);
    }
  }
}

async function newOffsets(
  admin: Admin,
  group: string,
  { scenario, topics }: ResetRequest,
): Promise<NewOffset[]> {
  const committed = await committedOffsets(admin, group);
  if (scenario.kind === 'plan') {
    const plan = parsePlan(scenario.csv, group);
    return bounded(admin, plan);
  }
  const places = topics === null ? [...committed.values()] : await partitionsOf(admin, topics);
  const withOffset = (offset: number) => (place: TopicPartition) => ({
    group,
    topic: place.topic,
    partition: place.partition,
    offset,
  });
  switch (scenario.kind) {
    case 'earliest':
      return listed(admin, places, OffsetSpec.earliest).then(toNewOffsets(group));
    case 'latest':
      return listed(admin, places, OffsetSpec.latest).then(toNewOffsets(group));
    case 'timestamp':
      return atTimestamp(admin, group, { places, timestampMs: scenario.timestampMs });
    case 'offset':
      return bounded(admin, places.map(withOffset(scenario.offset)));
    case 'shift':
      return bounded(
        admin,
        places.map((place) => {
          const from = committed.get(nameOf(place));
          if (from === undefined) {
            throw new UsageError(
              `Cannot shift offset for partition ${nameOf(place)} since there is no current ` +
                'committed offset',
            );
          }
          return withOffset(from.offset + scenario.by)(place);
        }),
      );
    case 'current': {
      const unknown = places.filter((place) => !committed.has(nameOf(place)));
      const ends = await listed(admin, unknown, OffsetSpec.latest);
      const kept = places.flatMap((place) => committed.get(nameOf(place)) ?? []);
      return [...kept.map((each) => ({ ...each, group })), ...toNewOffsets(group)(ends)];
    }
  }
}

async function committedOffsets(admin: Admin, group: string): Promise<Map<string, NewOffset>> {
  const offsets = await admin.listConsumerGroupOffsets(group);
  return new Map(
    offsets
      .filter(({ offset, error }) => offset >= 0 && error === null)
      .map(({ topic, partition, offset }) => [
        nameOf({ topic, partition }),
        { group, topic, partition, offset },
      ]),
  );
}

/** `topic` stands for all its partitions, `topic:0,1` for these. */
export async function partitionsOf(
  admin: Admin,
  topics: readonly string[],
): Promise<TopicPartition[]> {
  const wanted = topics.map((text) => {
    const [, topic = '', numbers] = /^([^:]*)(?::([\d,]+))?$/.exec(text) ?? [];
    if (topic === '') {
      throw new UsageError(`--topic takes a topic or topic:0,1, not '${text}'`);
    }
    return { topic, numbers: numbers?.split(',').map(Number) ?? null };
  });
  const described = await admin.describeTopics(wanted.map(({ topic }) => topic));
  return wanted.flatMap(({ topic, numbers }, index) => {
    const found = described.find(({ name }) => name === topic) ?? described[index];
    if (found === undefined || found.error !== null) {
      throw new UsageError(`topic ${topic}: ${found?.error?.message ?? 'it does not exist'}`);
    }
    const existing = found.partitions.map(({ partition }) => partition);
    const missing = numbers?.find((number) => !existing.includes(number));
    if (missing !== undefined) throw new UsageError(`topic ${topic} has no partition ${missing}`);
    return (numbers ?? existing).map((partition) => ({ topic, partition }));
  });
}

async function listed(
  admin: Admin,
  places: readonly TopicPartition[],
  timestamp: number,
): Promise<ListedOffset[]> {
  if (places.length === 0) return [];
  const found = await admin.listOffsets(
    places.map(({ topic, partition }) => ({ topic, partition, timestamp })),
  );
  for (const { topic, partition, error } of found) {
    if (error !== null) throw new UsageError(`${topic}-${partition}: ${error.message}`);
  }
  return found;
}

function toNewOffsets(group: string): (found: readonly ListedOffset[]) => NewOffset[] {
  return (found) =>
    found.map(({ topic, partition, offset }) => ({ group, topic, partition, offset }));
}

/** Partitions that have nothing from then on go to their end. */
async function atTimestamp(
  admin: Admin,
  group: string,
  { places, timestampMs }: { places: readonly TopicPartition[]; timestampMs: number },
): Promise<NewOffset[]> {
  const found = await listed(admin, places, timestampMs);
  const empty = found.filter(({ offset }) => offset < 0);
  for (const { topic, partition } of empty) {
    process.stderr.write(
      `\nWarn: Partition ${partition} from topic ${topic} is empty. ` +
        'Falling back to latest known offset.\n',
    );
  }
  const ends = await listed(admin, empty, OffsetSpec.latest);
  const later = found.filter(({ offset }) => offset >= 0);
  return toNewOffsets(group)([...later, ...ends]);
}

/** Offsets within what the partitions have, as Kafka bends them. */
async function bounded(admin: Admin, wanted: readonly NewOffset[]): Promise<NewOffset[]> {
  const lows = await listed(admin, wanted, OffsetSpec.earliest);
  const highs = await listed(admin, wanted, OffsetSpec.latest);
  const lowAt = new Map(lows.map((each) => [nameOf(each), each.offset]));
  const highAt = new Map(highs.map((each) => [nameOf(each), each.offset]));
  return wanted.map((each) => {
    const low = lowAt.get(nameOf(each)) ?? 0;
    const high = highAt.get(nameOf(each)) ?? each.offset;
    const offset = Math.min(Math.max(each.offset, low), high);
    if (offset !== each.offset) {
      const side = each.offset < low ? 'lower than earliest' : 'higher than latest';
      process.stderr.write(
        `WARN New offset (${each.offset}) is ${side} offset for topic partition ` +
          `${nameOf(each)}. Value will be set to ${offset}\n`,
      );
    }
    return { ...each, offset };
  });
}

/** Lines of `topic,partition,offset`, or with the group in front. */
export function parsePlan(csv: string, onlyGroup: string): NewOffset[] {
  const offsets: NewOffset[] = [];
  for (const [index, line] of csv.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const cells = line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    const [offset, partition, topic, group = onlyGroup] = [...cells].reverse();
    const numbers = [partition, offset].every((text) => /^\d+$/.test(text ?? ''));
    if (!numbers || topic === undefined || topic === '' || cells.length > 4) {
      throw new UsageError(
        `line ${index + 1} of the plan is not [group,]topic,partition,offset: '${line}'`,
      );
    }
    if (group !== onlyGroup) continue;
    offsets.push({ group, topic, partition: Number(partition), offset: Number(offset) });
  }
  return offsets;
}

export function exportPlan(offsets: readonly NewOffset[], hasGroups: boolean): string {
  return offsets
    .map(
      ({ group, topic, partition, offset }) =>
        `${hasGroups ? `${group},` : ''}${topic},${partition},${offset}\n`,
    )
    .join('');
}

function planTable(offsets: readonly NewOffset[]): string {
  return formatTable<NewOffset>(
    [
      { title: 'GROUP', widthMin: 15, text: ({ group }) => group },
      { title: 'TOPIC', widthMin: 15, text: ({ topic }) => topic },
      { title: 'PARTITION', widthMin: 10, text: ({ partition }) => String(partition) },
      { title: 'NEW-OFFSET', widthMin: 15, text: ({ offset }) => String(offset), isBare: true },
    ],
    offsets,
  );
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
