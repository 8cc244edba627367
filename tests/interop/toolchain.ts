// Finds the foreign programs that interop tests drive. Where one is missing the test says so and
// is left out; on CI that is a failure, because a test that silently does not run proves nothing.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { projectRoot } from '../root.ts';
import { type ProgramOptions, type ProgramResult, runProgram } from '../run-program.ts';

const pom = readFileSync(join(projectRoot, 'tests/interop/kafka/pom.xml'), 'utf8');
const kafkaVersion = /<kafka\.version>(.*)<\/kafka\.version>/.exec(pom)?.[1] as string;
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
const kafkaJars = cacheFolder(`kafka-${kafkaVersion}`);

/** Where install.sh and the tests keep what a fresh clone may reuse. */
export function cacheFolder(name: string): string {
  return join(cache, 'partita', name);
}

export function answers(command: string, flag: string): boolean {
  return spawnSync(command, [flag], { stdio: 'ignore' }).error === undefined;
}

/** True if the test may go on. */
export function present(t: TestContext, isPresent: boolean, name: string): boolean {
  if (isPresent) return true;
  const message = `${name} is missing: run tests/interop/install.sh`;
  if (process.env.CI) throw new Error(message);
  t.skip(message);
  return false;
}

export function hasKcat(t: TestContext): boolean {
  return present(t, answers('kcat', '-V'), 'kcat');
}

export function hasKafka(t: TestContext): boolean {
  const isPresent = answers('java', '-version') && existsSync(join(kafkaJars, '.complete'));
  return present(t, isPresent, `Java or Kafka ${kafkaVersion}`);
}

export function kcat(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult> {
  return runProgram('kcat', args, options);
}

const kafkaClasses = {
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'kafka-transactions': 'org.apache.kafka.tools.TransactionsCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'transactional-message-copier': 'org.apache.kafka.tools.TransactionalMessageCopier',
} as const;

/** The command that runs a class, or a source file, with Kafka's own. */
export function kafkaJava(...args: readonly string[]): [string, ...string[]] {
  return ['java', '-Xmx512m', '-cp', join(kafkaJars, '*'), ...args];
}

/** The command that runs one of Kafka's own command-line tools. */
export function kafkaToolCommand(
  tool: keyof typeof kafkaClasses,
  args: readonly string[],
): [string, ...string[]] {
  const java = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
  return ['java', ...java, '-cp', join(kafkaJars, '*'), kafkaClasses[tool], ...args];
}

/** One of Kafka's own command-line tools, run by Java. */
export function kafkaTool(
  tool: keyof typeof kafkaClasses,
  args: readonly string[],
  options?: ProgramOptions,
): Promise<ProgramResult> {
  const [java, ...all] = kafkaToolCommand(tool, args);
  return runProgram(java, all, options);
}
