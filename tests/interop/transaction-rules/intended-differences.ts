// Where our broker answers otherwise than Apache Kafka does, on purpose: each with its reason.
//
// Not played at all, for what comes behind them would differ: a partition twice in one Produce
// (Kafka loses the first batch, ours refuses the second); transactional batches to internal topics
// (Kafka asks the coordinator first and then refuses the topic, ours refuses it at once); requests
// that name a topic twice or no partition of it (Kafka answers once, or not); markers by hand of an
// epoch to come, of producer or coordinator, behind which nobody can end a transaction.

import type { Step } from './steps.ts';

interface IntendedDifference {
  readonly reason: string;
  readonly holds: (step: Step, kafka: string, ours: string) => boolean;
  /** The brokers differ from now on. */
  readonly endsSequence?: boolean;
}

export const intendedDifferences: readonly IntendedDifference[] = [
  {
    reason: 'the time of a batch that is there already is told only where topics give times',
    holds: (step, kafka, ours) =>
      step.kind === 'produce' &&
      kafka.replaceAll(/"logAppendTimeMs":"record \d+"/g, '"logAppendTimeMs":-1') === ours,
  },
  {
    reason: 'Kafka stores a transactional batch of no producer as one of no transaction',
    holds: (step, _kafka, ours) =>
      step.kind === 'produce' &&
      (step.claim === 'none' || step.batches.some(({ producer }) => producer?.claim === 'none')) &&
      ours.includes('"INVALID_PRODUCER_ID_MAPPING"'),
    endsSequence: true,
  },
  {
    reason: 'Kafka refuses also the other batches of a request whose transactional ones are wrong',
    holds: (step, kafka, ours) =>
      step.kind === 'produce' &&
      isWrongAsWhole(step) &&
      [...codesOf(kafka)].every((code) => wrongAsWhole.has(code)) &&
      (!ours.includes('"NONE"') || step.batches.some((batch) => !batch.isTransactional)),
    endsSequence: true,
  },
  {
    reason: 'Kafka asks for several producers at once, and answers all in the words of one of them',
    holds: (step, kafka, ours) =>
      ((step.kind === 'produce' && step.version < 12) ||
        (step.kind === 'commit offsets' && step.version < 5)) &&
      kafka.replaceAll('TRANSACTION_ABORTABLE', 'INVALID_TXN_STATE') ===
        ours.replaceAll('TRANSACTION_ABORTABLE', 'INVALID_TXN_STATE'),
  },
  {
    reason: 'Kafka refuses a whole AddPartitionsToTxn when it cannot write down one transaction',
    holds: (step, kafka, ours) =>
      step.kind === 'add' &&
      kafka.startsWith('{"errorCode":"UNSUPPORTED_VERSION"') &&
      ours.includes('"UNSUPPORTED_VERSION"'),
  },
  {
    reason: 'Kafka says of a marker with a negative epoch only that it did not expect it',
    holds: (step, kafka, ours) =>
      step.kind === 'mark' &&
      kafka.replaceAll('UNKNOWN_SERVER_ERROR', 'INVALID_PRODUCER_EPOCH') ===
        ours.replaceAll('UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_PRODUCER_EPOCH'),
  },
];

const wrongAsWhole = new Set([
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'INVALID_PRODUCER_ID_MAPPING',
]);

/** Of no transactional id, or of several producers. */
function isWrongAsWhole({ transactionalId, batches }: Extract<Step, { kind: 'produce' }>) {
  if (!batches.some(({ isTransactional }) => isTransactional)) return false;
  return transactionalId === null || batches.some(({ producer }) => producer !== undefined);
}

function codesOf(answer: string): Set<string> {
  return new Set([...answer.matchAll(/"errorCode":"(\w+)"/g)].map(([, code]) => code as string));
}

export function intendedDifference(
  step: Step,
  kafka: string,
  ours: string,
): IntendedDifference | null {
  return intendedDifferences.find(({ holds }) => holds(step, kafka, ours)) ?? null;
}
