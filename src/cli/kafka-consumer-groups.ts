// kafka-consumer-groups: lists, describes and deletes groups, deletes their offsets, and resets
// where they read on, in all of Kafka's ways.

import type { Command } from 'commander';
import type { Admin } from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { integer, kafkaCommand, parseFlags, repeatable, UsageError } from './command-line.ts';
import { describeGroups, listGroups } from './consumer-groups/describe-groups.ts';
import { formatTable } from './consumer-groups/group-table.ts';
import { parseDateTime, parseDurationMs } from './consumer-groups/points-in-time.ts';
import { partitionsOf, resetOffsets, type Scenario } from './consumer-groups/reset-offsets.ts';
import { readText } from './read-text.ts';

interface Flags extends ClientFlags {
  list?: true;
  describe?: true;
  delete?: true;
  deleteOffsets?: true;
  resetOffsets?: true;
  group?: string[];
  allGroups?: true;
  topic?: string[];
  allTopics?: true;
  members?: true;
  offsets?: true;
  state?: string | true;
  type?: string | true;
  verbose?: true;
  toEarliest?: true;
  toLatest?: true;
  toCurrent?: true;
  toOffset?: number;
  shiftBy?: number;
  toDatetime?: string;
  byDuration?: string;
  fromFile?: string;
  dryRun?: true;
  execute?: true;
  export?: true;
}

function groupsCommand(): Command {
  const whole = integer('an offset', 0, Number.MAX_SAFE_INTEGER);
  const signed = integer('a shift', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const command = kafkaCommand('kafka-consumer-groups.sh', 'Consumer groups and their offsets.')
    .option('--list', 'list all groups')
    .option('--describe', 'show offsets and lag, or --members, or --state')
    .option('--delete', 'delete groups that have no members')
    .option('--delete-offsets', 'delete the offsets that a group has of --topic')
    .option('--reset-offsets', 'set where groups without members read on; shows it only, unless')
    .addOption(repeatable('--group <id>', 'the group (repeat for several)'))
    .option('--all-groups', 'all groups')
    .addOption(repeatable('--topic <name[:0,1]>', 'a topic, or partitions of it (repeat)'))
    .option('--all-topics', 'all topics that the group has offsets of')
    .option('--offsets', 'with --describe: offsets and lag (the default)')
    .option('--members', 'with --describe: the members')
    .option('--state [states]', 'the state; with --list also a filter, such as Stable,Empty')
    .option('--type [types]', 'with --list: the type, or a filter: consumer, classic')
    .option('--verbose', 'with --describe: assignments and epochs too')
    .option('--to-earliest', 'to the first record')
    .option('--to-latest', 'to the end')
    .option('--to-current', 'to what is committed')
    .option('--to-offset <offset>', 'to this offset', whole)
    .option('--shift-by <count>', 'forward, or backward if negative', signed)
    .option('--to-datetime <time>', 'to YYYY-MM-DDTHH:mm:ss.sss')
    .option('--by-duration <duration>', 'to so long ago, such as PT1H30M')
    .option('--from-file <csv>', 'to the offsets of a file that --export wrote')
    .option('--dry-run', 'show what would be reset (the default)')
    .option('--execute', 'reset')
    .option('--export', 'print as CSV, for --from-file')
    .option('--timeout <ms>', 'accepted: request.timeout.ms of --command-config rules', whole);
  addClientFlags(command, 'admin');
  return command;
}

const actions = ['list', 'describe', 'delete', 'deleteOffsets', 'resetOffsets'] as const;

function actionOf(flags: Flags): (typeof actions)[number] {
  const given = actions.filter((action) => flags[action] === true);
  if (given.length === 1) return given[0] as (typeof actions)[number];
  throw new UsageError(
    'Command must include exactly one action: --list, --describe, --delete, --reset-offsets, ' +
      '--delete-offsets',
  );
}

async function groupIdsOf(admin: Admin, flags: Flags): Promise<string[]> {
  const { group = [], allGroups } = flags;
  if (allGroups === true && group.length > 0) {
    throw new UsageError('--group and --all-groups exclude each other');
  }
  if (allGroups === true) {
    return (await admin.listConsumerGroups()).groups.map(({ groupId }) => groupId).sort();
  }
  if (group.length === 0) throw new UsageError('one of --group and --all-groups is needed');
  return group;
}

function commaList(value: string | true | undefined): string[] | null {
  if (value === undefined) return null;
  return value === true ? [] : value.split(',').map((each) => each.trim());
}

async function deleteGroups(admin: Admin, groupIds: readonly string[]): Promise<boolean> {
  const results = groupIds.length === 0 ? [] : await admin.deleteConsumerGroups(groupIds);
  const failed = results.filter(({ error }) => error !== null);
  const done = results.filter(({ error }) => error === null);
  const quoted = done.map(({ groupId }) => `'${groupId}'`).join(', ');
  if (failed.length === 0) {
    process.stdout.write(`Deletion of requested consumer groups (${quoted}) was successful.\n`);
    return true;
  }
  const lines = failed.map(
    ({ groupId, error }) => `* Group '${groupId}' could not be deleted due to: ${error?.message}\n`,
  );
  process.stdout.write(`\nError: Deletion of some consumer groups failed:\n${lines.join('')}`);
  if (done.length > 0) {
    process.stdout.write(`\nThese consumer groups were deleted successfully: ${quoted}\n`);
  }
  return false;
}

async function deleteOffsets(admin: Admin, flags: Flags): Promise<boolean> {
  const [group, ...others] = flags.group ?? [];
  if (group === undefined || others.length > 0) {
    throw new UsageError('--delete-offsets takes one --group');
  }
  if (flags.topic === undefined) throw new UsageError('--delete-offsets takes --topic');
  const places = await partitionsOf(admin, flags.topic);
  const results = await admin.deleteConsumerGroupOffsets(group, places);
  const isDone = results.every(({ error }) => error === null);
  process.stdout.write(
    isDone
      ? `Request succeeded for deleting offsets from group ${group}.\n\n`
      : '\nError: Encountered some partition-level error, see the follow-up details.\n\n',
  );
  const table = formatTable<(typeof results)[number]>(
    [
      { title: 'TOPIC', widthMin: 15, text: ({ topic }) => topic },
      { title: 'PARTITION', widthMin: 10, text: ({ partition }) => String(partition) },
      {
        title: 'STATUS',
        widthMin: 15,
        text: ({ error }) => (error === null ? 'Successful' : `Error: ${error.message}`),
      },
    ],
    results,
  );
  process.stdout.write(table);
  return isDone;
}

/** Where to reset to; exactly one of the flags says it. */
function scenarioOf(io: Io, flags: Flags): Scenario {
  const { toOffset, shiftBy, toDatetime, byDuration, fromFile } = flags;
  const scenarios: Scenario[] = [];
  if (flags.toEarliest) scenarios.push({ kind: 'earliest' });
  if (flags.toLatest) scenarios.push({ kind: 'latest' });
  if (flags.toCurrent) scenarios.push({ kind: 'current' });
  if (toOffset !== undefined) scenarios.push({ kind: 'offset', offset: toOffset });
  if (shiftBy !== undefined) scenarios.push({ kind: 'shift', by: shiftBy });
  if (toDatetime !== undefined) {
    scenarios.push({ kind: 'timestamp', timestampMs: parseDateTime(toDatetime) });
  }
  if (byDuration !== undefined) {
    const timestampMs = io.clock.now() - parseDurationMs(byDuration);
    scenarios.push({ kind: 'timestamp', timestampMs });
  }
  if (fromFile !== undefined) scenarios.push({ kind: 'plan', csv: readText(io, fromFile) });
  const [scenario, ...others] = scenarios;
  if (scenario === undefined || others.length > 0) {
    throw new UsageError(
      '--reset-offsets takes exactly one of --to-earliest, --to-latest, --to-current, ' +
        '--to-offset, --shift-by, --to-datetime, --by-duration, --from-file',
    );
  }
  return scenario;
}

async function reset(admin: Admin, io: Io, flags: Flags): Promise<boolean> {
  const scenario = scenarioOf(io, flags);
  if (scenario.kind !== 'plan' && (flags.topic === undefined) === (flags.allTopics === undefined)) {
    throw new UsageError('--reset-offsets takes --topic or --all-topics');
  }
  if (flags.execute && (flags.dryRun || flags.export)) {
    throw new UsageError('--execute excludes --dry-run and --export');
  }
  if (!(flags.execute || flags.dryRun || flags.export)) {
    process.stderr.write('WARN: nothing is reset without --execute; this is a --dry-run.\n');
  }
  return resetOffsets(admin, {
    groupIds: await groupIdsOf(admin, flags),
    scenario,
    topics: flags.topic ?? null,
    isExecuted: flags.execute === true,
    isExported: flags.export === true,
  });
}

async function act(admin: Admin, io: Io, flags: Flags): Promise<boolean> {
  switch (actionOf(flags)) {
    case 'list':
      await listGroups(admin, { states: commaList(flags.state), types: commaList(flags.type) });
      return true;
    case 'describe':
      return describeGroups(admin, await groupIdsOf(admin, flags), {
        members: flags.members === true,
        state: flags.state !== undefined,
        verbose: flags.verbose === true,
      });
    case 'delete':
      return deleteGroups(admin, await groupIdsOf(admin, flags));
    case 'deleteOffsets':
      return deleteOffsets(admin, flags);
    case 'resetOffsets':
      return reset(admin, io, flags);
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(groupsCommand(), args);
  actionOf(flags);
  const isDone = await withAdmin('kafka-consumer-groups', flags, (admin, io) =>
    act(admin, io, flags),
  );
  return isDone ? 0 : 1;
}
