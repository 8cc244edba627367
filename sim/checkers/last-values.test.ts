// last-values.ts and keyed-ledger.ts: what they let pass, what they refuse, and planted bugs that
// they find.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OffsetMap } from '../../src/storage/cleaner/offset-map.ts';
import { PartitionLog } from '../../src/storage/index.ts';
import { runCompaction } from '../scenarios/compaction.ts';
import type { CompactionPlan } from '../scenarios/compaction-run.ts';
import type { World } from '../world.ts';
import { KeyedLedger, recordOfUpdate, type Update } from './keyed-ledger.ts';
import { assertLastValues, type LastValueOptions } from './last-values.ts';
import { firstFailure, withLyingSync, withPatch } from './planted-bugs.ts';

const place = { topic: 't', partition: 0 };

/** Updates of one key, a tombstone where there is a `-`, acknowledged where there is no `?`. */
function updatesOf(pattern: string): { ledger: KeyedLedger; updates: Update[] } {
  const ledger = new KeyedLedger();
  const updates = pattern.split(' ').map((each, offset) => {
    const sent = { isTombstone: each.includes('-'), timestamp: offset };
    const update = ledger.next(place, 'k', sent);
    if (!each.includes('?')) update.outcome = 'acknowledged';
    update.offset = offset;
    return update;
  });
  return { ledger, updates };
}

function check(pattern: string, there: readonly number[], options: LastValueOptions = {}): void {
  const { ledger, updates } = updatesOf(pattern);
  const contents = { ...place, updates: there.map((index) => updates[index] as Update) };
  assertLastValues(ledger, contents, options);
}

test('the last acknowledged value is there, or a later one', () => {
  check('v v v?', [1]);
  check('v v v?', [0, 1]);
  check('v v v?', [2]);
  assert.throws(() => check('v v v?', [0]), /is lost: update 1 of "k", not update 0/);
  assert.throws(() => check('v v v?', []), /the last value of "k" is lost/);
  check('v? v?', []);
});

test('of a key that ends with a tombstone there may be nothing, but nothing older', () => {
  check('v -', [1]);
  check('v -', []);
  check('v -?', []);
  assert.throws(() => check('v -', [0]), /is lost: tombstone 1/);
  assert.throws(() => check('v - v', []), /is lost: update 2/);
});

test('a tombstone stays for delete.retention.ms', () => {
  check('v -', [1], { tombstonesAfterMs: 0 });
  check('v -', [], { tombstonesAfterMs: 1 });
  check('v - -?', [], { tombstonesAfterMs: 1 });
  assert.throws(() => check('v -', [], { tombstonesAfterMs: 0 }), /tombstone 1 .* is gone before/);
});

test('order is kept, and what is young stays', () => {
  assert.throws(() => check('v v', [1, 0]), /comes behind offset 1/);
  check('v v v', [2], { youngAfterMs: 1 });
  assert.throws(
    () => check('v v v', [2], { youngAfterMs: 0 }),
    /update 1 of "k" is gone, and too young/,
  );
});

test('a reader recognises what was sent, where it was, and nothing else', () => {
  const { ledger, updates } = updatesOf('v -');
  const [update] = updates as [Update];
  const read = { ...place, ...recordOfUpdate(update), offset: 0, timestamp: 0 };
  assert.equal(ledger.recognise(read), update);
  assert.throws(() => ledger.recognise({ ...read, offset: 1 }), /was at 0 before/);
  assert.throws(() => ledger.recognise({ ...read, value: null }), /another value/);
  assert.throws(() => ledger.recognise({ ...read, timestamp: 9 }), /another time/);
  assert.throws(() => ledger.recognise({ ...read, key: Buffer.from('x') }), /was never sent/);
  update.outcome = 'aborted';
  assert.throws(() => ledger.recognise(read), /is visible, and was aborted/);
});

const only = (plan: CompactionPlan): CompactionPlan => ({ ...plan, checks: ['last values'] });

test('a cleaner that takes the last value of a key for superfluous is caught', async () => {
  const { get } = OffsetMap.prototype;
  const bug: Partial<OffsetMap> = {
    get(this: OffsetMap, bytes, start, end) {
      const offset = get.call(this, bytes, start, end);
      return offset < 0 ? offset : offset + 1;
    },
  };
  const failure = await withPatch(OffsetMap.prototype, bug, () =>
    firstFailure((world) => runCompaction(world, 'kill', only), 10),
  );
  assert.match(String(failure), /the last value of .* is lost/);
});

test('cleaned segments that take their place before they are synced are caught', async () => {
  const plant = withLyingSync(/\.cleaned$/);
  const run = (plan: CompactionPlan) => ({ ...only(plan), plant });
  // In most worlds the end of the log is lost, too, and whoever reads up to there waits for ever.
  const isLost = /the last value of .* is lost/;
  const cut = (world: World) => runCompaction(world, 'power cut', run);
  assert.match(String(await firstFailure(cut, 20, 10, isLost)), isLost);
});

test('a cleaner that forgets to leave tombstones for a while is caught', async () => {
  const { clean } = PartitionLog.prototype;
  const bug: Partial<PartitionLog> = {
    async clean(this: PartitionLog, request) {
      const { deleteRetentionMs } = this.config;
      this.configure({ ...this.config, deleteRetentionMs: 0 });
      try {
        return await clean.call(this, request);
      } finally {
        this.configure({ ...this.config, deleteRetentionMs });
      }
    },
  };
  const failure = await withPatch(PartitionLog.prototype, bug, () =>
    firstFailure((world) => runCompaction(world, 'kill', only), 20, 6),
  );
  assert.match(String(failure), /tombstone .* is gone before delete.retention.ms is over/);
});
