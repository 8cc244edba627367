// The one entry of the command line: `partita COMMAND …`. The scripts in bin/ under the names
// Kafka users know call it with their own name. A tool is loaded only when it is asked for, so
// that the broker starts without reading the others.

import { restrainYoungGeneration } from './garbage-collection.ts';
import { runTool, type Tool } from './tool.ts';

interface Entry {
  readonly summary: string;
  load(args: readonly string[]): Promise<Tool>;
}

const commands: Readonly<Record<string, Entry>> = {
  start: {
    summary:
      'start a broker: [server.properties] [--override key=value] [--secure], or --brokers N',
    load: async (args) => {
      await restrainYoungGeneration();
      if (args.some((arg) => /^--brokers(=|$)/.test(arg))) return import('./start-brokers.ts');
      return import('./start.ts');
    },
  },
  cluster: {
    summary: "adopt, dump, restore, recover, replicas: all of a cluster's metadata",
    load: () => import('./partita-cluster.ts'),
  },
  role: {
    summary: 'create, list, describe, grant, revoke, delete: named bundles of ACLs',
    load: () => import('./partita-role.ts'),
  },
  explain: {
    summary: 'error NAME|CODE: what an error means, and what to do about it',
    load: () => import('./partita-explain.ts'),
  },
  stray: {
    summary: 'list, restore: logs that were set aside',
    load: () => import('./stray.ts'),
  },
  'kafka-storage': {
    summary: 'random-uuid, format or info: the identity of log directories',
    load: () => import('./kafka-storage.ts'),
  },
  'kafka-topics': {
    summary: 'create, delete, describe, list or change topics',
    load: () => import('./kafka-topics.ts'),
  },
  'kafka-console-producer': {
    summary: 'send lines of standard input to a topic',
    load: () => import('./kafka-console-producer.ts'),
  },
  'kafka-console-consumer': {
    summary: 'print the records of a topic',
    load: () => import('./kafka-console-consumer.ts'),
  },
  'kafka-consumer-groups': {
    summary: 'list, describe, delete groups; delete or reset their offsets',
    load: () => import('./kafka-consumer-groups.ts'),
  },
  'kafka-configs': {
    summary: 'describe or change the configuration of topics and brokers',
    load: () => import('./kafka-configs.ts'),
  },
  'kafka-delegation-tokens': {
    summary: 'make, renew, expire and describe delegation tokens',
    load: () => import('./kafka-delegation-tokens.ts'),
  },
  'kafka-get-offsets': {
    summary: 'print the offsets of partitions, at an end or at a time',
    load: () => import('./kafka-get-offsets.ts'),
  },
  'kafka-delete-records': {
    summary: 'delete the records of partitions before given offsets',
    load: () => import('./kafka-delete-records.ts'),
  },
  'kafka-producer-perf-test': {
    summary: 'send records and report throughput and latency',
    load: () => import('./kafka-producer-perf-test.ts'),
  },
  'kafka-consumer-perf-test': {
    summary: 'read records and report the throughput',
    load: () => import('./kafka-consumer-perf-test.ts'),
  },
  'kafka-verifiable-producer': {
    summary: 'send numbers and print in JSON what was acknowledged',
    load: () => import('./kafka-verifiable-producer.ts'),
  },
  'kafka-verifiable-consumer': {
    summary: 'read in a group and print in JSON what was assigned, read, committed',
    load: () => import('./kafka-verifiable-consumer.ts'),
  },
  'kafka-log-dirs': {
    summary: 'print what the log directories hold',
    load: () => import('./kafka-log-dirs.ts'),
  },
  'kafka-leader-election': {
    summary: 'elect leaders of partitions',
    load: () => import('./kafka-leader-election.ts'),
  },
  'kafka-reassign-partitions': {
    summary: 'move replicas to other brokers and log directories',
    load: () => import('./kafka-reassign-partitions.ts'),
  },
  'kafka-replica-verification': {
    summary: 'compare the replicas of topics until it is stopped',
    load: () => import('./kafka-replica-verification.ts'),
  },
  'kafka-features': {
    summary: 'describe, raise or lower what the cluster may rely on',
    load: () => import('./kafka-features.ts'),
  },
  'kafka-cluster': {
    summary: 'print the id of a cluster, its brokers, what they serve; forget a broker',
    load: () => import('./kafka-cluster.ts'),
  },
  'kafka-broker-api-versions': {
    summary: 'print which requests brokers serve',
    load: () => import('./kafka-broker-api-versions.ts'),
  },
  'kafka-metadata-quorum': {
    summary: 'print who keeps the metadata log',
    load: () => import('./kafka-metadata-quorum.ts'),
  },
  'kafka-acls': {
    summary: 'add, remove or list ACLs: who may do what',
    load: () => import('./kafka-acls.ts'),
  },
  'kafka-transactions': {
    summary: 'list, describe transactions; find and abort those that hang',
    load: () => import('./kafka-transactions.ts'),
  },
  'kafka-dump-log': {
    summary: 'print segments, indexes and snapshots of a stopped log',
    load: () => import('./kafka-dump-log.ts'),
  },
};

async function printHelp(): Promise<void> {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`,
  );
  process.stdout.write(
    `partita ${await version()}\n\nUsage: partita COMMAND [options]\n\n${lines.join('\n')}\n\n` +
      'partita COMMAND --help shows the options of a command. The kafka-* commands are also in\n' +
      'bin/ under the names of the Kafka distribution (bin/kafka-topics.sh …).\n',
  );
}

/** Loaded when somebody asks. */
async function version(): Promise<string> {
  return (await import('./version.ts')).version();
}

/** Runs the command that the arguments name and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === 'help') {
    await printHelp();
    return name === undefined ? 1 : 0;
  }
  if (name === '--version') {
    process.stdout.write(`${await version()}\n`);
    return 0;
  }
  const entry = commands[name];
  if (entry === undefined) {
    process.stderr.write(`partita: there is no command '${name}' (see partita --help)\n`);
    return 1;
  }
  return runTool(name, await entry.load(rest), rest);
}
