// The transaction coordinator and its topic.

import { boolean, int, short } from './definition.ts';

export const brokerTransactions = {
  'transaction.state.log.num.partitions': int(
    50,
    'Partitions of the topic of transaction states; fixed once the topic exists.',
    { importance: 'high', min: 1 },
  ),
  'transaction.state.log.replication.factor': short(
    3,
    'Replicas of the topic of transaction states.',
    { importance: 'high', min: 1 },
  ),
  'transaction.state.log.min.isr': int(2, 'Replicas in sync that a write to that topic needs.', {
    importance: 'high',
    min: 1,
  }),
  'transaction.state.log.segment.bytes': int(
    104_857_600,
    'Size of a segment of that topic, in bytes.',
    { importance: 'high', min: 1 },
  ),
  'transaction.state.log.load.buffer.size': int(
    5_242_880,
    'Bytes read at a time while a coordinator loads its states.',
    { importance: 'high', min: 1 },
  ),
  'transaction.max.timeout.ms': int(900_000, 'Longest transaction a producer may ask for, in ms.', {
    importance: 'high',
    min: 1,
  }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int(
    10_000,
    'Time between two looks for transactions that took too long, in ms.',
    { importance: 'low', min: 1 },
  ),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int(
    3_600_000,
    'Time between two looks for transactional ids to forget, in ms.',
    { importance: 'low', min: 1 },
  ),
  'transactional.id.expiration.ms': int(
    604_800_000,
    'Time without a transaction after which a transactional id is forgotten, in ms.',
    { importance: 'high', min: 1 },
  ),
  'transaction.partition.verification.enable': boolean(
    true,
    'Whether a partition asks the coordinator before it takes the first records of a transaction.',
    { importance: 'low', update: 'cluster-wide' },
  ),
  'transaction.two.phase.commit.enable': boolean(
    false,
    'Whether a transaction may be prepared and committed by an outside coordinator.',
    {
      importance: 'low',
      accepted: 'clients have no stable version of InitProducerId that asks for it',
    },
  ),
  'add.partitions.to.txn.retry.backoff.ms': int(
    20,
    'Rest before a broker asks again to add a partition to a transaction, in ms.',
    { importance: 'high', min: 1 },
  ),
  'add.partitions.to.txn.retry.backoff.max.ms': int(
    100,
    'Longest time a broker keeps asking, in ms.',
    { importance: 'high', min: 0 },
  ),
} as const;
