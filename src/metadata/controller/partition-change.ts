// What becomes of a partition when its replicas, its in-sync replicas or the brokers that can lead
// change: one record, with the election that the change makes necessary (KIP-966 and KIP-455; what
// Kafka's PartitionChangeBuilder answers).
//
// Who leads, in this order: whoever leads, as long as it is in sync and alive; another member of
// the ISR; when the ISR is empty, an eligible leader replica; when both are empty, the last known
// leader; with an unclean election any replica that is alive. The last two may lack records: they
// begin with an ISR of one and must recover.
//
// Invariants: nobody is in the ISR and eligible at once. Who leaves an ISR that shrinks below
// min.insync.replicas stays eligible, because the high watermark stands still from there on; who
// was stopped uncleanly does not. Old replicas go only in the record in which all new ones are in
// sync.

import { type Uuid, ZERO_UUID } from '../../base/uuid.ts';
import type { PartitionChange } from '../delta.ts';
import type { PartitionImage } from '../image.ts';
import { NO_LEADER_CHANGE } from '../records/index.ts';

export type Election = 'online' | 'preferred' | 'unclean';

/** What is wanted of the partition; what is left out stays as it is. */
export interface PartitionTarget {
  readonly isr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly addingReplicas?: readonly number[];
  readonly removingReplicas?: readonly number[];
  readonly leaderRecoveryState?: 0 | 1;
  /** The broker lost what it had not synced: it is not eligible any more. */
  readonly stoppedUncleanly?: number;
  /** Where the broker says that its replica lies. */
  readonly directory?: { readonly brokerId: number; readonly id: Uuid };
  /** Default: online. */
  readonly election?: Election;
}

export interface PartitionRules {
  /** min.insync.replicas of the topic, at most as many as it has replicas. */
  readonly minInSyncReplicas: number;
  /** The feature eligible.leader.replicas.version. */
  readonly isElrEnabled: boolean;
  /** Alive, and the directory of its replica with it. */
  readonly canLead: (brokerId: number) => boolean;
  /** Where a new replica goes, as far as that is known. */
  readonly directoryOf: (brokerId: number) => Uuid;
}

const nobody = -1;

/** null: nothing changes. */
export function partitionChange(
  before: PartitionImage,
  target: PartitionTarget,
  rules: PartitionRules,
): PartitionChange | null {
  const wanted = completed(before, target);
  const eligible = eligibleReplicas(before, wanted, { target, rules });
  const elected = elect(before, { ...wanted, eligible, election: target.election }, rules);
  const change: { -readonly [Field in keyof PartitionChange]: PartitionChange[Field] } = {};
  let { isr } = wanted;
  let elr = rules.isElrEnabled ? eligible : [];
  if (elected.leader !== before.leader) {
    change.leader = elected.leader;
    if (elected.isUnclean) {
      [isr, elr] = [[elected.leader], []];
      if (before.leaderRecoveryState === 0) change.leaderRecoveryState = 1;
    } else if (elr.includes(elected.leader) || eligible.includes(elected.leader)) {
      isr = [elected.leader];
      elr = elr.filter((id) => id !== elected.leader);
    }
  } else if (!before.replicas.every((id) => wanted.replicas.includes(id))) {
    // A replica goes for good: a new leader epoch, so that nobody takes its fetches for a member's.
    change.leader = before.leader;
  }
  if (!isSame(elr, before.eligibleLeaderReplicas)) change.eligibleLeaderReplicas = elr;
  if ((isr.length > 0 || rules.isElrEnabled) && !isSame(isr, before.isr)) change.isr = isr;
  const lastKnown = lastKnownElr(before, change, rules.isElrEnabled);
  if (lastKnown !== null) change.lastKnownElr = lastKnown;
  setReplicas(change, before, { ...wanted, directory: target.directory, rules });
  const recovery = target.leaderRecoveryState ?? before.leaderRecoveryState;
  if (recovery !== before.leaderRecoveryState) change.leaderRecoveryState = recovery;
  return Object.keys(change).length === 0 ? null : change;
}

interface Membership {
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

/** What is wanted, without those on their way out if all that come are in sync. */
function completed(before: PartitionImage, target: PartitionTarget): Membership {
  const isr = target.isr ?? before.isr;
  const replicas = target.replicas ?? before.replicas;
  const addingReplicas = target.addingReplicas ?? before.addingReplicas;
  const removingReplicas = target.removingReplicas ?? before.removingReplicas;
  const wanted = { isr, replicas, addingReplicas, removingReplicas };
  if (addingReplicas.length + removingReplicas.length === 0) return wanted;
  const remain = (id: number): boolean => !removingReplicas.includes(id);
  const rest = isr.filter(remain);
  if (rest.length === 0 || !addingReplicas.every((id) => rest.includes(id))) return wanted;
  const left = replicas.filter(remain);
  const isSmaller = addingReplicas.length < removingReplicas.length;
  if (left.length === 0 || (isSmaller && !left.every((id) => rest.includes(id)))) {
    return wanted;
  }
  return { isr: rest, replicas: left, addingReplicas: [], removingReplicas: [] };
}

function eligibleReplicas(
  before: PartitionImage,
  { isr, replicas }: Membership,
  at: { readonly target: PartitionTarget; readonly rules: PartitionRules },
): readonly number[] {
  const { target, rules } = at;
  if (!rules.isElrEnabled) return before.eligibleLeaderReplicas;
  if (isr.length >= rules.minInSyncReplicas) return [];
  const { eligibleLeaderReplicas: eligible, isr: left } = before;
  return [...eligible, ...left.filter((id) => !eligible.includes(id))]
    .filter((id) => replicas.includes(id) && !isr.includes(id) && id !== target.stoppedUncleanly)
    .sort((a, b) => a - b);
}

interface Candidates {
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly eligible: readonly number[];
  readonly election: Election | undefined;
}

interface Elected {
  readonly leader: number;
  readonly isUnclean: boolean;
}

function elect(
  before: PartitionImage,
  { replicas, isr, eligible, election }: Candidates,
  rules: PartitionRules,
): Elected {
  const members = isr.length > 0 ? isr : eligible;
  const isValid = (id: number): boolean => members.includes(id) && rules.canLead(id);
  const clean = (leader: number): Elected => ({ leader, isUnclean: false });
  const preferred = replicas[0];
  if (election === 'preferred' && preferred !== undefined && isValid(preferred)) {
    return clean(preferred);
  }
  if (isValid(before.leader)) return clean(before.leader);
  const next = replicas.find(isValid);
  if (next !== undefined) return clean(next);
  const [lastKnown] = before.lastKnownElr;
  const isLastKnown = rules.isElrEnabled && members.length === 0;
  // Kafka may have noted several, which then are no leaders (unclean.recovery.strategy).
  if (isLastKnown && before.lastKnownElr.length === 1 && rules.canLead(lastKnown as number)) {
    return { leader: lastKnown as number, isUnclean: true };
  }
  const any = election === 'unclean' ? replicas.find(rules.canLead) : undefined;
  return any === undefined ? clean(nobody) : { leader: any, isUnclean: true };
}

/** The last leader is noted when the ISR gets empty, and forgotten when somebody leads. */
function lastKnownElr(
  before: PartitionImage,
  change: PartitionChange,
  isElrEnabled: boolean,
): readonly number[] | null {
  if (!isElrEnabled) return null;
  const { lastKnownElr: noted, leader: led } = before;
  if (change.isr?.length === 0 && (noted.length !== 1 || noted[0] !== led)) return [led];
  const leader = change.leader ?? NO_LEADER_CHANGE;
  const isLed = leader >= 0 || (led !== nobody && leader !== nobody);
  return isLed && noted.length > 0 ? [] : null;
}

function setReplicas(
  change: { -readonly [Field in keyof PartitionChange]: PartitionChange[Field] },
  before: PartitionImage,
  wanted: Membership & Pick<PartitionTarget, 'directory'> & { readonly rules: PartitionRules },
): void {
  const { replicas, addingReplicas, removingReplicas, directory, rules } = wanted;
  const isMoved = !isSame(replicas, before.replicas);
  if (isMoved || directory !== undefined) {
    const directories = replicas.map((id) => {
      if (directory?.brokerId === id) return directory.id;
      return directoryIn(before, id) ?? rules.directoryOf(id);
    });
    if (!isSame(directories, before.directories)) change.directories = directories;
  }
  if (isMoved) change.replicas = replicas;
  if (!isSame(removingReplicas, before.removingReplicas))
    change.removingReplicas = removingReplicas;
  if (!isSame(addingReplicas, before.addingReplicas)) change.addingReplicas = addingReplicas;
}

/** undefined: it has no replica. */
function directoryIn({ replicas, directories }: PartitionImage, id: number): Uuid | undefined {
  const index = replicas.indexOf(id);
  return index === -1 ? undefined : (directories[index] ?? ZERO_UUID);
}

export function isSame<T>(left: readonly T[], right: readonly T[]): boolean {
  if (left === right) return true;
  return left.length === right.length && left.every((each, index) => each === right[index]);
}
