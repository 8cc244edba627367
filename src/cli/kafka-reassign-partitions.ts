// kafka-reassign-partitions: moves replicas to other brokers and other log directories; proposes
// such moves, says how far they are, and cancels them.

import { Option } from 'commander';
import type { Admin, TopicDescription } from '../client/index.ts';
import type { Io } from '../io/index.ts';
import { type ClientFlags, withAdmin } from './client-flags.ts';
import {
  hidden,
  integer,
  kafkaCommand,
  parseFlags,
  requireFlags,
  UsageError,
} from './command-line.ts';
import { readText } from './read-text.ts';
import {
  anyDirectory,
  nameOf,
  type PartitionPlan,
  parsePlan,
  parseTopicsToMove,
  planJson,
  sortedPlans,
} from './reassign/assignment.ts';
import { moveStates, placeOf, startMoves, wantedMoves } from './reassign/moves.ts';
import { proposePlan } from './reassign/placement.ts';
import {
  clearThrottles,
  moveRate,
  replicationRates,
  setBrokerRates,
  setReplicaThrottles,
} from './reassign/throttles.ts';

interface Flags extends ClientFlags {
  bootstrapController?: string;
  generate?: true;
  execute?: true;
  verify?: true;
  cancel?: true;
  list?: true;
  reassignmentJsonFile?: string;
  topicsToMoveJsonFile?: string;
  brokerList?: string;
  throttle?: number;
  replicaAlterLogDirsThrottle?: number;
  timeout: number;
  additional?: true;
  preserveThrottles?: true;
}

const actions = ['generate', 'execute', 'verify', 'cancel', 'list'] as const;

function reassignCommand() {
  return kafkaCommand('kafka-reassign-partitions.sh', 'Move replicas of partitions.')
    .option('--generate', 'propose where the partitions of topics could be')
    .option('--execute', 'begin the moves of a JSON file')
    .option('--verify', 'say how far they are, and remove limits of those that are done')
    .option('--cancel', 'undo those that are under way')
    .option('--list', 'print those that are under way')
    .option('--reassignment-json-file <file>', 'the plan of --execute, --verify and --cancel')
    .option('--topics-to-move-json-file <file>', '{"topics":[{"topic":"t"}],"version":1}')
    .option('--broker-list <0,1>', 'the brokers of --generate, by id')
    .option('--throttle <bytes/s>', 'limit of moves between brokers', integer('throttle', 0))
    .option(
      '--replica-alter-log-dirs-throttle <bytes/s>',
      'limit of moves between log directories',
      integer('the throttle', 0, Number.MAX_SAFE_INTEGER),
    )
    .option('--timeout <ms>', 'how long to wait for replicas to be there', integer('ms', 0), 10000)
    .option('--additional', 'although other moves are under way')
    .option('--preserve-throttles', 'keep limits')
    .option('--bootstrap-server <host:port>', 'a broker of the cluster, or several with commas')
    .addOption(hidden(new Option('--bootstrap-controller <host:port>', 'as --bootstrap-server')))
    .addOption(hidden(new Option('--disable-rack-aware', 'accepted: racks are not looked at')))
    .option('--command-config <file>', 'client properties, such as request.timeout.ms=5000');
}

async function topicsOf(admin: Admin, names: readonly string[]): Promise<TopicDescription[]> {
  const topics = await admin.describeTopics([...new Set(names)]);
  const missing = topics.find(({ error }) => error !== null);
  if (missing !== undefined) throw new UsageError(`Error: Topic ${missing.name} not found.`);
  return topics;
}

/** Where the partitions of topics are now, with the paths of their replicas. */
async function currentPlans(
  admin: Admin,
  topics: readonly TopicDescription[],
): Promise<PartitionPlan[]> {
  const directories = await admin.cluster.describeLogDirectories();
  return topics.flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partition, replicas }) => {
      const logDirs = replicas.map((nodeId) => {
        return placeOf(directories, { topic, partition, nodeId }).current ?? anyDirectory;
      });
      return { topic, partition, replicas, logDirs };
    }),
  );
}

async function generate(admin: Admin, io: Io, flags: Flags): Promise<void> {
  const names = parseTopicsToMove(readText(io, flags.topicsToMoveJsonFile as string));
  const ids = (flags.brokerList as string).split(',').map((text) => Number(text.trim()));
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) {
    throw new UsageError(`Broker list contains duplicate entries: ${twice}`);
  }
  await assertBrokers(admin, ids);
  const topics = await topicsOf(admin, names);
  const proposed = topics.flatMap(({ name: topic, partitions }) => {
    const replicationFactor = partitions[0]?.replicas.length ?? 1;
    return proposePlan({ topic, partitions: partitions.length, replicationFactor }, ids, io.random);
  });
  process.stdout.write(
    `Current partition replica assignment\n${planJson(await currentPlans(admin, topics))}\n\n` +
      `Proposed partition reassignment configuration\n${planJson(proposed)}\n`,
  );
}

async function assertBrokers(admin: Admin, ids: readonly number[]): Promise<void> {
  const { nodes } = await admin.describeCluster();
  const unknown = ids.find((id) => !nodes.some(({ nodeId }) => nodeId === id));
  if (unknown !== undefined) throw new UsageError(`Error: Unknown broker id ${unknown}`);
}

async function execute(admin: Admin, io: Io, flags: Flags): Promise<void> {
  const plans = sortedPlans(readPlan(io, flags));
  await assertBrokers(
    admin,
    plans.flatMap(({ replicas }) => replicas),
  );
  const topics = await topicsOf(
    admin,
    plans.map(({ topic }) => topic),
  );
  if (!flags.additional && (await admin.cluster.listReassignments()).length > 0) {
    throw new UsageError(
      'Cannot execute because there is an existing partition assignment. Use --additional to ' +
        'override this and create a new partition assignment in addition to the existing one.',
    );
  }
  const current = (await currentPlans(admin, topics)).filter((each) =>
    plans.some((plan) => nameOf(plan) === nameOf(each)),
  );
  process.stdout.write(
    `Current partition replica assignment\n\n${planJson(current)}\n\n` +
      'Save this to use as the --reassignment-json-file option during rollback\n',
  );
  await setThrottles(admin, current, plans, flags);
  const results = await admin.cluster.alterReassignments(
    plans.map(({ topic, partition, replicas }) => ({ topic, partition, replicas })),
  );
  const failed = results.flatMap((result) =>
    result.error === null ? [] : [`${nameOf(result)}: ${result.error.message}`],
  );
  if (failed.length > 0) {
    throw new UsageError(`Error reassigning partition(s): ${failed.join('; ')}`);
  }
  const noun = plans.length === 1 ? 'reassignment' : 'reassignments';
  const names = plans.map(nameOf).join(',');
  process.stdout.write(`Successfully started partition ${noun} for ${names}\n`);
  const moves = wantedMoves(plans);
  if (moves.length === 0) return;
  const sleep = (ms: number): Promise<void> => io.clock.sleep(ms);
  process.stdout.write(await startMoves(admin, moves, { timeoutMs: flags.timeout, sleep }));
}

function readPlan(io: Io, flags: Flags): PartitionPlan[] {
  return parsePlan(readText(io, flags.reassignmentJsonFile as string));
}

async function setThrottles(
  admin: Admin,
  current: readonly PartitionPlan[],
  plans: readonly PartitionPlan[],
  { throttle, replicaAlterLogDirsThrottle }: Flags,
): Promise<void> {
  if (throttle === undefined && replicaAlterLogDirsThrottle === undefined) return;
  process.stdout.write(
    'Warning: You must run --verify periodically, until the reassignment completes, to ensure ' +
      'the throttle is removed.\n',
  );
  if (throttle !== undefined) {
    const brokers = await setReplicaThrottles(admin, current, plans);
    await setBrokerRates(admin, brokers, { names: replicationRates, bytesPerSecond: throttle });
    process.stdout.write(`The inter-broker throttle limit was set to ${throttle} B/s\n`);
  }
  if (replicaAlterLogDirsThrottle !== undefined) {
    const bytesPerSecond = replicaAlterLogDirsThrottle;
    const brokers = [...new Set(wantedMoves(plans).map(({ nodeId }) => nodeId))];
    await setBrokerRates(admin, brokers, { names: [moveRate], bytesPerSecond });
    process.stdout.write(`The replica-alter-dir throttle limit was set to ${bytesPerSecond} B/s\n`);
  }
}

async function verify(admin: Admin, io: Io, flags: Flags): Promise<void> {
  const plans = sortedPlans(readPlan(io, flags));
  const underWay = await admin.cluster.listReassignments(plans);
  const topics = await admin.describeTopics([...new Set(plans.map(({ topic }) => topic))]);
  const lines = plans.map((plan) => {
    const name = nameOf(plan);
    if (underWay.some((each) => nameOf(each) === name)) {
      return `Reassignment of partition ${name} is still in progress.\n`;
    }
    const topic = topics.find((each) => each.name === plan.topic);
    const replicas = topic?.partitions[plan.partition]?.replicas.join(',') ?? '';
    const wanted = plan.replicas.join(',');
    if (replicas === wanted) return `Reassignment of partition ${name} is completed.\n`;
    return (
      `There is no active reassignment of partition ${name}, but replica set is ${replicas} ` +
      `rather than ${wanted}.\n`
    );
  });
  const moves = wantedMoves(plans);
  const directories = moves.length > 0 ? await admin.cluster.describeLogDirectories() : [];
  const { text, areDone } = moveStates(moves, directories);
  process.stdout.write(`Status of partition reassignment:\n${lines.join('')}${text}\n`);
  if (!areDone || underWay.length > 0) return;
  if (!flags.preserveThrottles) await clearAll(admin, plans);
}

async function clearAll(admin: Admin, plans: readonly PartitionPlan[]): Promise<void> {
  const { nodes } = await admin.describeCluster();
  const ids = nodes.map(({ nodeId }) => nodeId).sort((a, b) => a - b);
  await clearThrottles(admin, ids, [...new Set(plans.map(({ topic }) => topic))]);
}

async function cancel(admin: Admin, io: Io, flags: Flags): Promise<void> {
  const plans = sortedPlans(readPlan(io, flags));
  const underWay = await admin.cluster.listReassignments(plans);
  if (underWay.length === 0) {
    process.stdout.write('None of the specified partition reassignments are active.\n');
  } else {
    const results = await admin.cluster.alterReassignments(
      underWay.map(({ topic, partition }) => ({ topic, partition, replicas: null })),
    );
    const failed = results.find(({ error }) => error !== null);
    if (failed?.error) throw failed.error;
    const noun = underWay.length === 1 ? 'reassignment' : 'reassignments';
    const names = underWay.map(nameOf).join(',');
    process.stdout.write(`Successfully cancelled partition ${noun} for ${names}\n`);
  }
  const moves = wantedMoves(plans);
  const directories = moves.length > 0 ? await admin.cluster.describeLogDirectories() : [];
  const back = moves.flatMap((move) => {
    const { current, future } = placeOf(directories, move);
    return future === null || current === null ? [] : [{ ...move, path: current }];
  });
  // Kafka's tool has no line break here, and scripts may have noticed.
  if (back.length === 0) {
    process.stdout.write('None of the specified partition moves are active.');
  } else {
    for (const { error } of await admin.cluster.alterReplicaLogDirectories(back)) {
      if (error !== null) throw error;
    }
    const names = back.map((each) => `${nameOf(each)}-${each.nodeId}`).join(',');
    process.stdout.write(`Successfully cancelled moves for ${names}\n`);
  }
  if (!flags.preserveThrottles) await clearAll(admin, plans);
}

async function list(admin: Admin): Promise<void> {
  const underWay = sortedPlans(await admin.cluster.listReassignments());
  if (underWay.length === 0) {
    process.stdout.write('No partition reassignments found.\n');
    return;
  }
  const lines = underWay.map((each) => {
    const part = (name: string, ids: readonly number[]): string =>
      ids.length === 0 ? '' : ` ${name}: ${ids.join(',')}.`;
    const { replicas, addingReplicas, removingReplicas } = each;
    const changes = part('adding', addingReplicas) + part('removing', removingReplicas);
    return `${nameOf(each)}: replicas: ${replicas.join(',')}.${changes}\n`;
  });
  process.stdout.write(`Current partition reassignments:\n${lines.join('')}`);
}

export async function run(args: readonly string[]): Promise<number> {
  const flags = parseFlags<Flags>(reassignCommand(), args);
  const chosen = actions.filter((name) => flags[name]);
  const [action] = chosen;
  if (action === undefined || chosen.length > 1) {
    throw new UsageError(
      'Command must include exactly one action: --generate, --execute, --verify, --cancel, --list',
    );
  }
  if (action === 'generate') requireFlags(flags, 'topics-to-move-json-file', 'broker-list');
  else if (action !== 'list') requireFlags(flags, 'reassignment-json-file');
  const { brokerList: _, ...client } = flags;
  const servers = flags.bootstrapServer ?? flags.bootstrapController;
  if (servers !== undefined) client.bootstrapServer = servers;
  return withAdmin('kafka-reassign-partitions', client, async (admin, io) => {
    if (action === 'generate') await generate(admin, io, flags);
    else if (action === 'execute') await execute(admin, io, flags);
    else if (action === 'verify') await verify(admin, io, flags);
    else if (action === 'cancel') await cancel(admin, io, flags);
    else await list(admin);
    return 0;
  });
}
