// cluster-metadata.ts: what it lets pass, what it refuses, and a planted bug that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runMetadata } from '../scenarios/metadata.ts';
import { ClusterMetadata, type TopicState } from './cluster-metadata.ts';
import { firstFailure, withLyingSync } from './planted-bugs.ts';

const state = (changes: Partial<TopicState> = {}): TopicState => {
  return { topicId: 'id', partitionCount: 1, configs: {}, ...changes };
};

test('an acknowledged topic stays as it was acknowledged', () => {
  const metadata = new ClusterMetadata();
  metadata.onAcknowledged('t', state({ configs: { a: '1', b: '2' } }));
  metadata.onSeen('t', state({ configs: { b: '2', a: '1' } }));
  const see = (seen: TopicState | null) => () => metadata.onSeen('t', seen);
  assert.throws(see(null), /topic t is gone/);
  assert.throws(see(state({ configs: { a: '1' } })), /expected was/);
  assert.throws(see(state({ configs: { a: '1', b: '2' }, partitionCount: 2 })), /2 partitions/);
  assert.throws(see(state({ configs: { a: '1', b: '2' }, topicId: 'other' })), /other/);
  assert.throws(() => metadata.onListed([]), /acknowledged topic t is lost/);
  assert.throws(() => metadata.onListed(['t', 'u']), /topic u was never created/);
});

test('an acknowledged deletion stays', () => {
  const metadata = new ClusterMetadata();
  metadata.onAcknowledged('t', state());
  metadata.onAcknowledged('t', null);
  metadata.onListed([]);
  assert.throws(() => metadata.onSeen('t', state()), /expected was gone/);
});

test('a change without an answer may have happened or not, but what was seen stays', () => {
  const metadata = new ClusterMetadata();
  metadata.onUnknown('t', state({ topicId: null }));
  assert.equal(metadata.certain('t'), undefined);
  metadata.onListed([]);
  metadata.onSeen('t', state());
  assert.throws(() => metadata.onSeen('t', null), /topic t is gone/);
});

test('a disk that lies about fsync is caught by its metadata', async () => {
  const run = firstFailure(
    (world) => runMetadata(world, { plant: withLyingSync(/__cluster_metadata.*\.log$/) }),
    40,
  );
  // Or by the broker itself, which noted how far the log was synced, and finds what was torn there.
  assert.match(
    String(await run),
    /is lost|is gone|expected was|never created|handed out twice|was synced up to|is damaged at/,
  );
});
