// kafka-metadata-quorum: who keeps the metadata log and how far each of them is.

import { ZERO_UUID } from '../base/uuid.ts';
import type { Admin, QuorumDescription, QuorumReplica } from '../client/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, UsageError } from './command-line.ts';
import { splitAction } from './sub-command.ts';
import { tabTable } from './tab-table.ts';

interface Flags extends ClientFlags {
  bootstrapController?: string;
  status?: true;
  replication?: true;
  humanReadable?: true;
}

function quorumCommand() {
  const command = kafkaCommand(
    'kafka-metadata-quorum.sh',
    'describe: print who keeps the metadata log and how far each is.',
  )
    .usage('[options] describe {--status|--replication}')
    .option('--status', 'a summary')
    .option('--replication', 'how far each node is')
    .option('--human-readable', 'times as "n ms ago"')
    .option('--bootstrap-controller <host:port>', 'as --bootstrap-server');
  addClientFlags(command, 'admin');
  return command;
}

/** Kafka's summary of a quorum. */
export function statusText(clusterId: string, quorum: QuorumDescription): string {
  const { leaderId, leaderEpoch, highWatermark, voters, observers } = quorum;
  const leader = voters.find(({ replicaId }) => replicaId === leaderId);
  const replicas = [...voters, ...observers];
  // The leader where nobody is behind it: then there is no lag of time either.
  const last = replicas.reduce<QuorumReplica | undefined>(
    (low, each) => (low === undefined || each.logEndOffset < low.logEndOffset ? each : low),
    leader,
  );
  const end = leader?.logEndOffset ?? highWatermark;
  const rows: [string, string | number][] = [
    ['ClusterId', clusterId],
    ['LeaderId', leaderId],
    ['LeaderEpoch', leaderEpoch],
    ['HighWatermark', highWatermark],
    ['MaxFollowerLag', end - (last?.logEndOffset ?? end)],
    ['MaxFollowerLagTimeMs', lagMs(leader, last)],
    ['CurrentVoters', nodesText(voters, quorum)],
    ['CurrentObservers', nodesText(observers, quorum)],
  ];
  return rows.map(([name, value]) => `${`${name}:`.padEnd(24)}${value}\n`).join('');
}

/** By how much a replica was caught up before the leader; -1: it is not known. */
function lagMs(leader: QuorumReplica | undefined, last: QuorumReplica | undefined): number {
  if (last === leader) return 0;
  const [leaderMs, lastMs] = [leader, last].map((each) => each?.lastCaughtUpTimestamp ?? -1);
  if (leaderMs === undefined || lastMs === undefined || leaderMs < 0 || lastMs < 0) return -1;
  return leaderMs - lastMs;
}

function nodesText(replicas: readonly QuorumReplica[], { endpoints }: QuorumDescription): string {
  const texts = replicas.map(({ replicaId, directoryId }) => {
    const parts = [`"id": ${replicaId}`];
    if (directoryId !== ZERO_UUID) parts.push(`"directoryId": "${directoryId}"`);
    const listeners = endpoints.get(replicaId);
    if (listeners !== undefined) {
      const addresses = listeners.map(({ name, host, port }) => `"${name}://${host}:${port}"`);
      parts.push(`"endpoints": [${addresses.join(', ')}]`);
    }
    return `{${parts.join(', ')}}`;
  });
  return `[${texts.join(', ')}]`;
}

/** Kafka's table of the nodes; with `nowMs` times are said as durations. */
export function replicationTable(quorum: QuorumDescription, nowMs: number | null): string {
  const { leaderId, voters, observers } = quorum;
  const leader = voters.find(({ replicaId }) => replicaId === leaderId);
  const time = (atMs: number): string => {
    return nowMs === null || atMs < 0 ? `${atMs}` : `${Math.max(0, nowMs - atMs)} ms ago`;
  };
  const rows = [...voters, ...observers].map((replica) => [
    `${replica.replicaId}`,
    replica.directoryId,
    `${replica.logEndOffset}`,
    `${(leader?.logEndOffset ?? replica.logEndOffset) - replica.logEndOffset}`,
    time(replica.lastFetchTimestamp),
    time(replica.lastCaughtUpTimestamp),
    replica === leader ? 'Leader' : voters.includes(replica) ? 'Follower' : 'Observer',
  ]);
  const titles = ['NodeId', 'DirectoryId', 'LogEndOffset', 'Lag', 'LastFetchTimestamp'];
  return tabTable([...titles, 'LastCaughtUpTimestamp', 'Status'], rows);
}

async function describe(admin: Admin, flags: Flags, nowMs: number): Promise<string> {
  const quorum = await admin.cluster.describeQuorum();
  if (flags.replication) return replicationTable(quorum, flags.humanReadable ? nowMs : null);
  return statusText((await admin.describeCluster()).clusterId, quorum);
}

export async function run(args: readonly string[]): Promise<number> {
  const actions = ['describe', 'add-controller', 'remove-controller'];
  const { action, flags: rest } = splitAction(args, actions);
  if (action !== null && action !== 'describe') {
    throw new UsageError(
      `${action}: the metadata log has one keeper in this cluster, and no other can be added`,
    );
  }
  const flags = parseFlags<Flags>(quorumCommand(), rest);
  if (action === null) return 0;
  if (flags.status === undefined && flags.replication === undefined) {
    throw new UsageError(
      'One of --status or --replication must be specified with describe sub-command',
    );
  }
  if (flags.status && flags.replication) {
    throw new UsageError(
      'Only one of --status or --replication should be specified with describe sub-command',
    );
  }
  const servers = flags.bootstrapServer ?? flags.bootstrapController;
  const client = servers === undefined ? flags : { ...flags, bootstrapServer: servers };
  return withAdmin('kafka-metadata-quorum', client, async (admin, io) => {
    process.stdout.write(await describe(admin, flags, io.clock.now()));
    return 0;
  });
}
