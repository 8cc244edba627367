// The broker under the transactional programs: ours, or Apache Kafka with INTEROP_PRODUCT=kafka,
// to tell a fault of ours from one of the test or of a client. Either is killed and started again
// on the same port and the same data.

import { BrokerProcess as BenchedBroker } from '../../../bench/broker-process.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import { BrokerProcess } from '../../broker-process.ts';

export interface TransactionBroker {
  readonly bootstrapServers: string;
  /** Waits until it answers. */
  start(): Promise<unknown>;
  kill9(): Promise<unknown>;
  dispose(): Promise<void>;
}

export const isKafka = process.env.INTEROP_PRODUCT === 'kafka';

/** Looks for transactions that have timed out every second; groups do not wait for more members. */
const common = {
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.session.timeout.ms': '6000',
  'group.consumer.min.heartbeat.interval.ms': '200',
  'group.consumer.heartbeat.interval.ms': '500',
};

export async function startTransactionBroker(
  config: Readonly<Record<string, string>> = {},
): Promise<TransactionBroker> {
  const all = { ...common, ...config };
  if (!isKafka) return BrokerProcess.start({ config: all });
  const io = createNodeIo({ logLevel: 'warn' });
  const kafka = await BenchedBroker.prepare(io, 'kafka', { config: all, heap: '512m' });
  await kafka.start();
  return {
    bootstrapServers: `${kafka.host}:${kafka.port}`,
    start: () => kafka.start(),
    kill9: () => kafka.stop('SIGKILL'),
    dispose: () => kafka.dispose(),
  };
}
