// Where our broker answers a producer otherwise than Apache Kafka does, on purpose: each with its
// reason.

import type { Step } from './steps.ts';

export interface Moment {
  /** null for the last look at everything. */
  readonly step: Step | null;
  readonly kafka: string;
  readonly ours: string;
  /** How often the brokers were restarted before it. */
  readonly restarts: number;
  /** Records were deleted before it. */
  readonly hasDeleted: boolean;
}

interface IntendedDifference {
  readonly reason: string;
  readonly holds: (moment: Moment) => boolean;
  /** The brokers differ from now on. */
  readonly endsSequence?: boolean;
}

export const intendedDifferences: readonly IntendedDifference[] = [
  {
    reason: 'the time of a batch that is there already is told only where topics give times',
    holds: ({ step, kafka, ours }) =>
      step?.kind === 'produce' &&
      kafka.replaceAll(/"logAppendTimeMs":"[^"]+"/g, '"logAppendTimeMs":-1') === ours,
  },
  {
    reason:
      'a restart of ours remembers the last five batches of a producer, one of Kafka the last',
    holds: ({ step, kafka, ours, restarts }) =>
      restarts > 0 &&
      step?.kind === 'produce' &&
      kafka.includes('"OUT_OF_ORDER_SEQUENCE_NUMBER"') &&
      ours.includes('"NONE"'),
  },
  {
    reason:
      'a restart of Kafka forgets producers of which all is deleted, if a snapshot ends there',
    holds: ({ step, kafka, ours, restarts, hasDeleted }) => {
      if (restarts === 0 || !hasDeleted) return false;
      if (step?.kind === 'produce') {
        return kafka.includes('"NONE"') && ours.includes('"OUT_OF_ORDER_SEQUENCE_NUMBER"');
      }
      const of = (answer: string) => (answer.match(producers) ?? []).map(withoutComma);
      const areSame = kafka.replaceAll(producers, '') === ours.replaceAll(producers, '');
      return areSame && of(kafka).every((each) => of(ours).includes(each));
    },
    endsSequence: true,
  },
];

const producers = /,?\{"producerId":[^}]*\}/g;

export function intendedDifference(moment: Moment): IntendedDifference | null {
  return intendedDifferences.find(({ holds }) => holds(moment)) ?? null;
}

function withoutComma(text: string): string {
  return text.replace(/^,/, '');
}
