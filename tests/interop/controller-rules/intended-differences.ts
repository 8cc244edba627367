// Where our controller decides otherwise than Apache Kafka's, on purpose: each with its reason.
// The sides differ from there on.

export interface Found {
  readonly step: string;
  /** What Kafka answered the step before. */
  readonly before: string;
  readonly kafka: string;
  readonly ours: string;
}

interface IntendedDifference {
  readonly reason: string;
  readonly holds: (found: Found) => boolean;
}

function stateOf(answer: string): string {
  return answer.slice(answer.indexOf(' | '));
}

/** The answer without what such words say of each partition. */
function without(answer: string, words: readonly string[]): string {
  return words.reduce(
    (text, word) => text.replaceAll(new RegExp(` ${word} \\S*`, 'g'), ''),
    answer,
  );
}

/** Whether the answers are the same but for what such words say. */
function isSameBut({ kafka, ours }: Found, ...words: readonly string[]): boolean {
  return without(kafka, words) === without(ours, words);
}

/** What an election changes. */
const elected = ['leader', 'epoch', 'partitionEpoch', 'isr', 'elr', 'last', 'recovery'] as const;

/** Whether somebody is eligible who has no replica. */
function namesStrangers(answer: string): boolean {
  const partitions = [...answer.matchAll(/replicas (\S*) isr \S* elr (\d\S*)/g)];
  return partitions.some(([, replicas = '', elr = '']) => {
    const ids = replicas.split(',');
    return elr.split(',').some((id) => !ids.includes(id));
  });
}

const intendedDifferences: readonly IntendedDifference[] = [
  {
    reason:
      'Kafka forgets all who are eligible when min.insync.replicas is set, also where nothing ' +
      'was acknowledged without them and nobody else is left',
    holds: (found) =>
      /^config \S+ min\.insync\.replicas/.test(found.step) &&
      isSameBut(found, 'elr', 'last', 'partitionEpoch'),
  },
  {
    reason: 'Kafka takes those for eligible who have no replica any more',
    holds: (found) => namesStrangers(found.kafka) && isSameBut(found, 'elr', 'last'),
  },
  {
    reason:
      'Kafka writes two records about a replica in a directory that failed, and elects by the ' +
      'directory where a replica was, not by that where it is now',
    holds: (found) => found.step.startsWith('directory') && isSameBut(found, ...elected),
  },
  {
    reason: 'Kafka lets a broker lead from a directory of which the same heartbeat says it failed',
    holds: (found) => /^heartbeat .* \d+$/.test(found.step) && isSameBut(found, ...elected),
  },
  {
    reason:
      'Kafka leaves of the reassignment under way what a new one does not say anew: it does not ' +
      'wait for who was on its way in, and takes out who is wanted again',
    holds: ({ step, before }) => {
      const [kind, topic, partition] = step.split(' ');
      if (kind !== 'reassign') return false;
      const isMoving = new RegExp(`${topic}-${partition} [^;]* (adding \\d|removing \\d)`);
      return isMoving.test(before);
    },
  },
  {
    reason:
      'an ISR that is the one of before is taken all the same: it makes void what the leader ' +
      'asked for earlier',
    holds: ({ step, before, ours }) => {
      const words = ['partitionEpoch', 'recovery'];
      const isSame = without(stateOf(before), words) === without(stateOf(ours), words);
      return step.startsWith('alter') && ours.startsWith('NONE') && isSame;
    },
  },
  {
    reason: 'a broker that was shutting down when it was fenced stays so in that life',
    holds: ({ step, before }) => {
      const [kind, id] = step.split(' ');
      return kind === 'heartbeat' && before.includes(`b${id} fenced stopping`);
    },
  },
  {
    reason: 'Kafka forgets how far a broker has replayed when that is unfenced',
    holds: ({ step, before, kafka, ours }) => {
      const [kind, id] = step.split(' ');
      const isStopping = kind === 'heartbeat' && before.includes(`b${id} stopping`);
      return isStopping && kafka.includes('shutDown false') && ours.includes('shutDown true');
    },
  },
  {
    reason: 'Kafka changes a partition twice where its indexes have a broker in sync and eligible',
    holds: (found) =>
      found.step.startsWith('register') && isSameBut(found, 'epoch', 'partitionEpoch'),
  },
  {
    reason: 'Kafka stumbles over its own index of a topic that was deleted',
    holds: ({ kafka }) => /^UNKNOWN_SERVER_ERROR .* existed in isrMembers/.test(kafka),
  },
];

export function intendedDifference(found: Found): string | null {
  return intendedDifferences.find(({ holds }) => holds(found))?.reason ?? null;
}
