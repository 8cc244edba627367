// kafka-consumer-groups --describe: where each group is (offsets), who is in it (members), and how
// it is (state).

import type { Admin, GroupDescription, GroupMemberDescription } from '../../client/index.ts';
import { KafkaError } from '../../protocol/index.ts';
import { type Column, formatTable } from './group-table.ts';

export interface DescribeFlags {
  readonly members: boolean;
  readonly state: boolean;
  readonly verbose: boolean;
}

interface OffsetRow {
  readonly group: string;
  readonly topic: string;
  readonly partition: string;
  readonly leaderEpoch: string;
  readonly current: number | null;
  readonly end: number | null;
  readonly member: GroupMemberDescription | null;
}

const none = '-';
const orNone = (value: number | null): string => (value === null ? none : String(value));

/** Prints the groups; returns false if one of them is not there. */
export async function describeGroups(
  admin: Admin,
  groupIds: readonly string[],
  flags: DescribeFlags,
): Promise<boolean> {
  let areAllThere = true;
  for (const group of await admin.describeConsumerGroups(groupIds)) {
    if (group.error !== null || group.state === 'Dead') {
      const reason = group.error?.message ?? `Group ${group.groupId} not found.`;
      process.stdout.write(
        `\nError: Consumer group '${group.groupId}' does not exist. ${reason}\n`,
      );
      areAllThere = false;
      continue;
    }
    tellState(group);
    process.stdout.write(`\n${await tableOf(admin, group, flags)}`);
  }
  return areAllThere;
}

/** What the table of a group that is not stable does not show. */
function tellState(group: GroupDescription): void {
  if (group.state === 'Empty') {
    process.stderr.write(`\nConsumer group '${group.groupId}' has no active members.\n`);
  } else if (group.state !== 'Stable') {
    process.stderr.write(`\nWarning: Consumer group '${group.groupId}' is rebalancing.\n`);
  }
}

async function tableOf(
  admin: Admin,
  group: GroupDescription,
  flags: DescribeFlags,
): Promise<string> {
  if (flags.state) return formatTable(stateColumns(group, flags.verbose), [group]);
  if (flags.members) {
    return formatTable(memberColumns(group, flags.verbose), group.members);
  }
  return formatTable(offsetColumns(flags.verbose), await offsetRows(admin, group));
}

function stateColumns(group: GroupDescription, isVerbose: boolean): Column<GroupDescription>[] {
  const epochs: Column<GroupDescription>[] = [
    { title: 'GROUP-EPOCH', widthMin: 15, text: (each) => orNone(each.groupEpoch) },
    {
      title: 'TARGET-ASSIGNMENT-EPOCH',
      widthMin: 25,
      text: (each) => orNone(each.targetAssignmentEpoch),
    },
  ];
  const { coordinator } = group;
  const address =
    coordinator === null
      ? none
      : `${coordinator.host}:${coordinator.port}  (${coordinator.nodeId})`;
  return [
    { title: 'GROUP', widthMin: 15, text: (each) => each.groupId },
    { title: 'COORDINATOR (ID)', widthMin: 25, text: () => address },
    { title: 'ASSIGNMENT-STRATEGY', widthMin: 20, text: (each) => each.assignor || none },
    { title: 'STATE', widthMin: 20, text: (each) => each.state },
    ...(isVerbose ? epochs : []),
    { title: '#MEMBERS', widthMin: 0, text: (each) => String(each.members.length), isBare: true },
  ];
}

function memberColumns(
  group: GroupDescription,
  isVerbose: boolean,
): Column<GroupMemberDescription>[] {
  const hasInstances = group.members.some(({ groupInstanceId }) => groupInstanceId !== null);
  const columns: Column<GroupMemberDescription>[] = [
    { title: 'GROUP', widthMin: 15, text: () => group.groupId },
    { title: 'CONSUMER-ID', widthMin: 15, text: (member) => member.memberId },
  ];
  if (hasInstances) {
    columns.push({
      title: 'GROUP-INSTANCE-ID',
      widthMin: 17,
      text: (member) => member.groupInstanceId ?? '',
    });
  }
  columns.push(
    { title: 'HOST', widthMin: 15, text: (member) => member.host },
    { title: 'CLIENT-ID', widthMin: 15, text: (member) => member.clientId },
    { title: '#PARTITIONS', widthMin: 15, text: (member) => String(member.assignment.length) },
  );
  if (isVerbose) {
    columns.push(
      { title: 'CURRENT-EPOCH', widthMin: 15, text: (member) => orNone(member.memberEpoch) },
      { title: 'CURRENT-ASSIGNMENT', widthMin: 20, text: (member) => listed(member.assignment) },
      { title: 'TARGET-EPOCH', widthMin: 15, text: () => orNone(group.targetAssignmentEpoch) },
      {
        title: 'TARGET-ASSIGNMENT',
        widthMin: 20,
        text: (member) => listed(member.targetAssignment),
      },
    );
  }
  // Kafka's shorter form of this table ends in a space.
  const end: Column<GroupMemberDescription> = { title: '', widthMin: 0, text: () => '' };
  return isVerbose ? columns : [...columns, end];
}

/** `t1:0,1;t2:3` */
function listed(
  partitions: readonly { readonly topic: string; readonly partition: number }[] | null,
): string {
  if (partitions === null || partitions.length === 0) return none;
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
  }
  return [...byTopic]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([topic, numbers]) => `${topic}:${numbers.sort((a, b) => a - b).join(',')}`)
    .join(';');
}

function offsetColumns(isVerbose: boolean): Column<OffsetRow>[] {
  const epoch: Column<OffsetRow> = {
    title: 'LEADER-EPOCH',
    widthMin: 15,
    text: (row) => row.leaderEpoch,
  };
  const lag = ({ current, end }: OffsetRow): number | null =>
    current === null || end === null ? null : Math.max(0, end - current);
  return [
    { title: 'GROUP', widthMin: 15, text: (row) => row.group },
    { title: 'TOPIC', widthMin: 15, text: (row) => row.topic },
    { title: 'PARTITION', widthMin: 10, text: (row) => row.partition },
    ...(isVerbose ? [epoch] : []),
    { title: 'CURRENT-OFFSET', widthMin: 15, text: (row) => orNone(row.current) },
    { title: 'LOG-END-OFFSET', widthMin: 15, text: (row) => orNone(row.end) },
    { title: 'LAG', widthMin: 15, text: (row) => orNone(lag(row)) },
    { title: 'CONSUMER-ID', widthMin: 15, text: (row) => row.member?.memberId ?? none },
    { title: 'HOST', widthMin: 15, text: (row) => row.member?.host ?? none },
    { title: 'CLIENT-ID', widthMin: 0, text: (row) => row.member?.clientId ?? none, isBare: true },
  ];
}

/** A row per partition that is assigned or has an offset, and per member that has none. */
async function offsetRows(admin: Admin, group: GroupDescription): Promise<OffsetRow[]> {
  const committed = (await admin.listConsumerGroupOffsets(group.groupId)).filter(
    ({ offset, error }) => offset >= 0 && error === null,
  );
  const committedAt = new Map(committed.map((each) => [nameOf(each), each]));
  const assigned = group.members
    .flatMap((member) => member.assignment.map((partition) => ({ ...partition, member })))
    .sort(inOrder);
  const taken = new Set(assigned.map(nameOf));
  const free = committed
    .filter((each) => !taken.has(nameOf(each)))
    .map(({ topic, partition }) => ({ topic, partition, member: null }))
    .sort(inOrder);
  const all = [...assigned, ...free];
  const ends = new Map<string, number>();
  for (const listedEnd of await admin.listOffsets(
    all.map((each) => ({ ...each, timestamp: -1 })),
  )) {
    if (listedEnd.error === null) ends.set(nameOf(listedEnd), listedEnd.offset);
  }
  const rows = all.map(({ topic, partition, member }): OffsetRow => {
    const found = committedAt.get(nameOf({ topic, partition }));
    return {
      group: group.groupId,
      topic,
      partition: String(partition),
      leaderEpoch: found === undefined || found.leaderEpoch < 0 ? none : String(found.leaderEpoch),
      current: found?.offset ?? null,
      end: ends.get(nameOf({ topic, partition })) ?? null,
      member,
    };
  });
  const idle = group.members.filter(({ assignment }) => assignment.length === 0);
  return [...rows, ...idle.map((member) => idleRow(group.groupId, member))];
}

function idleRow(group: string, member: GroupMemberDescription): OffsetRow {
  const empty = { topic: none, partition: none, leaderEpoch: none, current: null, end: null };
  return { group, ...empty, member };
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

function nameOf({ topic, partition }: Place): string {
  return `${topic}-${partition}`;
}

function inOrder(a: Place, b: Place): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}

/** The groups, a line each; with --state or --type in columns. */
export async function listGroups(
  admin: Admin,
  flags: { readonly states: readonly string[] | null; readonly types: readonly string[] | null },
): Promise<void> {
  const { states, types } = flags;
  const { groups, failures } = await admin.listConsumerGroups({
    ...(states === null || states.length === 0 ? {} : { states }),
    ...(types === null || types.length === 0 ? {} : { types }),
  });
  const [failure] = failures;
  if (failure !== undefined) {
    throw new KafkaError(
      failure.error.errorName,
      `broker ${failure.nodeId}: ${failure.error.message}`,
    );
  }
  if (states === null && types === null) {
    process.stdout.write(groups.map(({ groupId }) => `${groupId}\n`).join(''));
    return;
  }
  const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
  const columns: Column<(typeof groups)[number]>[] = [
    { title: 'GROUP', widthMin: 25, text: ({ groupId }) => groupId },
  ];
  if (types !== null) {
    columns.push({ title: 'TYPE', widthMin: 20, text: ({ type }) => capital(type) });
  }
  if (states !== null) columns.push({ title: 'STATE', widthMin: 20, text: ({ state }) => state });
  process.stdout.write(formatTable(columns, groups));
}
