// Finds the foreign programs that interop tests drive. Where one is missing the test says so and
// is left out; on CI that is a failure, because a test that silently does not run proves nothing.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { projectRoot } from '../root.ts';
import { type ProgramOptions, type ProgramResult, runProgram } from '../run-program.ts';
import { cacheFolder, classPath, compileJava } from './builds.ts';
import { ResidentTools, type ToolOptions } from './resident-tools.ts';

export { cacheFolder } from './builds.ts';

const pom = readFileSync(join(projectRoot, 'tests/interop/kafka/pom.xml'), 'utf8');
const kafkaVersion = /<kafka\.version>(.*)<\/kafka\.version>/.exec(pom)?.[1] as string;
const kafkaJars = cacheFolder(`kafka-${kafkaVersion}`);
const toolsSource = join(projectRoot, 'tests/interop/tools/Tools.java');

const answering = new Map<string, boolean>();

/** Whether the command is there. Asked once: a compiler of Java takes a while to say so. */
export function answers(command: string, flag: string): boolean {
  const known = answering.get(command);
  if (known !== undefined) return known;
  const isThere = spawnSync(command, [flag], { stdio: 'ignore' }).error === undefined;
  answering.set(command, isThere);
  return isThere;
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

/** Java and Kafka: for what is started before a test says that it needs them. */
export function hasJava(): boolean {
  return answers('java', '-version') && existsSync(join(kafkaJars, '.complete'));
}

export function hasKafka(t: TestContext): boolean {
  return present(t, hasJava(), `Java or Kafka ${kafkaVersion}`);
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
  'kafka-replica-verification': 'org.apache.kafka.tools.ReplicaVerificationTool',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'kafka-transactions': 'org.apache.kafka.tools.TransactionsCommand',
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-delegation-tokens': 'org.apache.kafka.tools.DelegationTokenCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'transactional-message-copier': 'org.apache.kafka.tools.TransactionalMessageCopier',
} as const;

export type KafkaTool = keyof typeof kafkaClasses;

/** For programs that live for seconds: the quick compiler, and no threads to collect garbage. */
export const shortLived = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

/** The command that runs a class with Kafka's own. */
export function kafkaJava(...args: readonly string[]): [string, ...string[]] {
  return ['java', '-Xmx512m', ...shortLived, ...classPath(kafkaJars), ...args];
}

/** The command that runs a program of ours, one Java file, with Kafka's classes. */
export async function kafkaProgram(
  source: string,
  ...args: readonly string[]
): Promise<[string, ...string[]]> {
  const classes = await compileJava(kafkaJars, [source]);
  const path = classPath(kafkaJars, classes);
  return ['java', '-Xmx512m', ...shortLived, ...path, basename(source, '.java'), ...args];
}

/** The command that runs one of Kafka's own command-line tools. */
export function kafkaToolCommand(tool: KafkaTool, args: readonly string[]): [string, ...string[]] {
  const options = ['-Xmx256m', ...shortLived, ...classPath(kafkaJars)];
  return ['java', ...options, kafkaClasses[tool], ...args];
}

const tools = new ResidentTools(() => kafkaProgram(toolsSource));

/** One of Kafka's own command-line tools, as a process of its own would run it. */
export function kafkaTool(
  tool: KafkaTool,
  args: readonly string[],
  options?: ToolOptions,
): Promise<ProgramResult> {
  return tools.run([kafkaClasses[tool], ...args], options);
}
