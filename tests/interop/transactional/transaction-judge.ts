// What must hold once every client and the broker have been left in peace, whoever was killed when:
// a transaction whose commit was answered is there whole and once, one that was aborted or never
// asked to be committed is not there at all, one whose commit got no answer is there whole or not
// at all, and what a copier wrote is its input, once and in order. Pure: lines and records in,
// sentences about what is wrong out.
//
// A writer is a sequence of incarnations under one transactional id. It says on stdout what it
// does, one line a step, before and after each call:
//
//   begin NUMBER topic-0:3,topic-1:2     how many records go to which partition
//   committing NUMBER                    committed NUMBER
//   aborting NUMBER reason               aborted NUMBER
//
// Until an abort is answered, a commit that was asked for before it may have been heard.
//
// The value of a record names its place: writer/incarnation/number/index.

export interface SeenRecord {
  /** Such as `topic-0`. */
  readonly partition: string;
  readonly offset: number;
  readonly value: string;
}

/** Unknown: its commit was asked for and not answered. */
export type Outcome = 'committed' | 'aborted' | 'unknown';

export interface Transaction {
  readonly writer: string;
  readonly incarnation: number;
  readonly number: number;
  /** Records by partition. */
  readonly plan: ReadonlyMap<string, number>;
  outcome: Outcome;
  /** What its writer said of it. */
  readonly steps: string[];
}

/** Replays what the incarnations of a writer said. */
export class TransactionLog {
  readonly transactions = new Map<string, Transaction>();
  readonly #writer: string;

  constructor(writer: string) {
    this.#writer = writer;
  }

  on(incarnation: number, line: string): void {
    const [step, number = '', plan = ''] = line.split(' ');
    const name = `${this.#writer}/${incarnation}/${number}`;
    if (step === 'begin') {
      this.transactions.set(name, {
        writer: this.#writer,
        incarnation,
        number: Number(number),
        plan: new Map(plan.split(',').map((one) => planned(one))),
        outcome: 'aborted',
        steps: ['begin'],
      });
      return;
    }
    const transaction = this.transactions.get(name);
    if (transaction === undefined) return;
    transaction.steps.push([step, plan].join(' ').trim());
    transaction.outcome = outcomes.get(step as string) ?? transaction.outcome;
  }

  count(outcome: Outcome): number {
    return [...this.transactions.values()].filter((one) => one.outcome === outcome).length;
  }
}

const outcomes = new Map<string, Outcome>([
  ['committing', 'unknown'],
  ['committed', 'committed'],
  ['aborted', 'aborted'],
]);

function planned(text: string): [partition: string, count: number] {
  const [partition, count] = text.split(':');
  return [partition as string, Number(count)];
}

/** What is wrong with what a reader of committed records saw of these transactions. */
export function judgeTransactions(
  transactions: ReadonlyMap<string, Transaction>,
  records: readonly SeenRecord[],
): string[] {
  const seen = new Map<string, Map<string, number>>();
  const problems = judgeOrder(records);
  for (const { partition, value } of records) {
    const name = value.slice(0, value.lastIndexOf('/'));
    const transaction = transactions.get(name);
    if (transaction === undefined) {
      problems.push(`${partition}: ${value} is of a transaction that nobody began`);
    } else if (transaction.outcome === 'aborted') {
      problems.push(
        `${partition}: ${value} is visible though it was not committed${stepsOf(transaction)}`,
      );
    }
    const counts = seen.get(name) ?? new Map<string, number>();
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
    seen.set(name, counts);
  }
  for (const [name, transaction] of transactions) {
    const { plan, outcome } = transaction;
    const counts = seen.get(name);
    if (outcome === 'aborted' || (outcome === 'unknown' && counts === undefined)) continue;
    const word = counts === undefined ? 'lost' : 'half visible';
    for (const [partition, count] of plan) {
      const there = counts?.get(partition) ?? 0;
      if (there === count) continue;
      const counted = `${there} of ${count} records in ${partition}`;
      problems.push(`${name} is ${word}: ${counted}${stepsOf(transaction)}`);
    }
  }
  return problems;
}

function stepsOf({ steps }: Transaction): string {
  return ` (${steps.join(', ')})`;
}

/**
 * Within a partition a writer's records come in the order in which it sent them, each once. Once
 * an incarnation has been succeeded it writes no more. Which one comes when is for the moments to
 * say at which they took the id: one that was held up in its start comes behind a later one.
 */
function judgeOrder(records: readonly SeenRecord[]): string[] {
  const problems: string[] = [];
  const last = new Map<string, SeenRecord>();
  const turns = new Map<string, string[]>();
  for (const record of records) {
    const { partition, value } = record;
    const [writer = '', incarnation = ''] = value.split('/');
    const place = `${partition} ${writer}`;
    const before = last.get(place);
    const turn = turns.get(place) ?? [];
    if (before?.value === value) {
      problems.push(`${partition}: ${value} is there twice`);
    } else if (turn.at(-1) !== incarnation) {
      if (turn.includes(incarnation)) problems.push(behind(record, before));
      turns.set(place, [...turn, incarnation]);
    } else if (before !== undefined && compare(before.value, value) > 0) {
      problems.push(behind(record, before));
    }
    last.set(place, record);
  }
  return [...problems, ...judgeTurns(turns)];
}

function behind({ partition, value }: SeenRecord, before: SeenRecord | undefined): string {
  return `${partition}: ${value} is behind ${before?.value}`;
}

/** The incarnations of a writer took turns in the same order everywhere. */
function judgeTurns(turns: ReadonlyMap<string, readonly string[]>): string[] {
  const problems: string[] = [];
  const orders = new Map<string, string>();
  for (const [place, incarnations] of turns) {
    const writer = place.slice(place.lastIndexOf(' ') + 1);
    for (const [at, later] of incarnations.entries()) {
      for (const earlier of incarnations.slice(0, at)) {
        const elsewhere = orders.get(`${writer} ${later} ${earlier}`);
        orders.set(`${writer} ${earlier} ${later}`, place);
        if (elsewhere === undefined || elsewhere === place) continue;
        problems.push(`${writer}: ${earlier} before ${later} in ${place}, not in ${elsewhere}`);
      }
    }
  }
  return problems;
}

/** By number and index. */
function compare(x: string, y: string): number {
  const [xs, ys] = [x.split('/'), y.split('/')];
  return Number(xs[2]) - Number(ys[2]) || Number(xs[3]) - Number(ys[3]);
}

/** What is wrong with a copy: it is its input, partition by partition, whatever the offsets. */
export function judgeCopy(input: readonly SeenRecord[], output: readonly SeenRecord[]): string[] {
  const [from, to] = [byIndex(input), byIndex(output)];
  const problems: string[] = [];
  for (const index of new Set([...from.keys(), ...to.keys()])) {
    const [sent, copied] = [from.get(index) ?? [], to.get(index) ?? []];
    const at = firstDifference(valuesOf(sent), valuesOf(copied));
    if (at === -1) continue;
    const where = `partition ${index} at ${at} of ${copied.length}, input ${sent.length}`;
    const [is, expected] = [copied[at], sent[at]?.value ?? 'nothing'];
    const saw = is === undefined ? 'nothing' : `${is.value} (offset ${is.offset})`;
    problems.push(`${where}: ${saw}${historyOf(is, sent, copied, at)} instead of ${expected}`);
  }
  return problems;
}

function historyOf(
  is: SeenRecord | undefined,
  sent: readonly SeenRecord[],
  copied: readonly SeenRecord[],
  at: number,
): string {
  if (is === undefined) return '';
  if (copied.slice(0, at).some(({ value }) => value === is.value)) return ', a duplicate,';
  return sent.some(({ value }) => value === is.value) ? '' : ', which is not in the input,';
}

/**
 * What is wrong with a reader that ran throughout: at every moment it had seen a beginning of what
 * was there in the end, so that it never saw a part of a transaction that others did not.
 */
export function judgeReader(
  name: string,
  seen: readonly SeenRecord[],
  inTheEnd: readonly SeenRecord[],
): string[] {
  const [early, late] = [byIndex(seen), byIndex(inTheEnd)];
  const problems: string[] = [];
  const label = ({ offset, value }: SeenRecord): string => `${value} (offset ${offset})`;
  for (const index of new Set([...early.keys(), ...late.keys()])) {
    const [one, other] = [early.get(index) ?? [], late.get(index) ?? []];
    const at = firstDifference(one.map(label), other.map(label));
    if (at === -1) continue;
    const [was, is] = [one[at], other[at]];
    problems.push(
      `${name} saw ${was ? label(was) : 'nothing'} at ${at} of partition ${index}, ` +
        `where there is ${is ? label(is) : 'nothing'}`,
    );
  }
  return problems;
}

/** By partition: of different topics if their records are not taken by topic. */
function byIndex(records: readonly SeenRecord[]): Map<string, SeenRecord[]> {
  const found = new Map<string, SeenRecord[]>();
  for (const record of records) {
    const index = record.partition.slice(record.partition.lastIndexOf('-') + 1);
    const list = found.get(index) ?? [];
    list.push(record);
    found.set(index, list);
  }
  return found;
}

function valuesOf(records: readonly SeenRecord[]): string[] {
  return records.map(({ value }) => value);
}

/** -1 if there is none. */
function firstDifference(xs: readonly string[], ys: readonly string[]): number {
  for (let at = 0; at < Math.max(xs.length, ys.length); at++) {
    if (xs[at] !== ys[at]) return at;
  }
  return -1;
}
