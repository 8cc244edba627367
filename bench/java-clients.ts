// Kafka's own measuring tools, which nobody here wrote, as clients of either broker. Each returns
// what the tool itself measured, so that the start of its virtual machine is not counted.

import { runProgram } from '../tests/run-program.ts';
import { kafkaJars } from './broker-process.ts';
import type { Target } from './wire-client.ts';

const timeoutMs = 600_000;

export interface Produced {
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface ProducerLoad {
  readonly count: number;
  readonly recordBytes: number;
  readonly acks: number;
  readonly batchBytes: number;
  /** Records in a second; -1 for as many as go. */
  readonly rate?: number;
  /** Makes it transactional: milliseconds after which a transaction is committed. */
  readonly transactionMs?: number;
}

/** ProducerPerformance: how long the records took, and their latency to the acknowledgement. */
export async function producerPerformance(target: Target, load: ProducerLoad): Promise<Produced> {
  const { count, recordBytes, acks, batchBytes, rate = -1, transactionMs } = load;
  const { host, port, topic } = target;
  const args = ['--topic', topic, '--num-records', `${count}`, '--record-size', `${recordBytes}`];
  args.push('--throughput', `${rate}`, '--bootstrap-server', `${host}:${port}`);
  args.push('--command-property', `acks=${acks}`, `batch.size=${batchBytes}`);
  if (transactionMs !== undefined) {
    args.push('--transactional-id', `bench-${topic}`);
    args.push('--transaction-duration-ms', `${transactionMs}`);
  }
  const output = await runTool('ProducerPerformance', args);
  const last = output.trim().split('\n').at(-1) ?? '';
  const perSecond = numberIn(last, /records sent, ([\d.]+) records\/sec/);
  return {
    elapsedMs: (count * 1000) / perSecond,
    p50Ms: numberIn(last, /([\d.]+) ms 50th/),
    p99Ms: numberIn(last, /([\d.]+) ms 99th/),
  };
}

/** ConsumerPerformance: milliseconds of fetching; joining its group is not counted. */
export async function consumerPerformance(target: Target, count: number): Promise<number> {
  const { host, port, topic } = target;
  const args = ['--bootstrap-server', `${host}:${port}`, '--topic', topic];
  args.push('--num-records', `${count}`, '--hide-header');
  const output = await runTool('ConsumerPerformance', args);
  const fields = (output.trim().split('\n').at(-1) ?? '').split(',').map((field) => field.trim());
  if (Number(fields[4]) < count) throw new Error(`ConsumerPerformance read too little: ${output}`);
  return Number(fields[7]);
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** EndToEndLatency: one record at a time, from the send to its arrival at a consumer. */
export async function endToEndLatency(
  { host, port, topic }: Target,
  { count, recordBytes, acks }: { count: number; recordBytes: number; acks: string },
): Promise<Latency> {
  const args = [`${host}:${port}`, topic, String(count), acks, String(recordBytes)];
  const output = await runTool('EndToEndLatency', args);
  return {
    p50Ms: numberIn(output, /50th = ([\d.]+)/),
    p99Ms: numberIn(output, /99th = ([\d.]+)/),
  };
}

/** kcat (librdkafka) reads the whole partition; its start, some 10 ms, is counted. */
export async function kcatReads({ host, port, topic }: Target, count: number): Promise<number> {
  const beganMs = performance.now();
  const where = ['-b', `${host}:${port}`, '-t', topic, '-p', '0', '-o', 'beginning'];
  // A format without the value: what is measured is not kcat's output.
  const args = ['-C', ...where, '-c', String(count), '-q', '-f', ''];
  const { code, stderr } = await runProgram('kcat', args, { timeoutMs });
  if (code !== 0) throw new Error(`kcat: ${stderr}`);
  return performance.now() - beganMs;
}

async function runTool(name: string, args: readonly string[]): Promise<string> {
  const tool = ['-Xmx512m', '-cp', `${kafkaJars}/*`, `org.apache.kafka.tools.${name}`];
  const { code, stdout, stderr } = await runProgram('java', [...tool, ...args], { timeoutMs });
  if (code !== 0) throw new Error(`${name}: ${stderr}${stdout}`);
  return stdout;
}

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in: ${text}`);
  return Number(found);
}
