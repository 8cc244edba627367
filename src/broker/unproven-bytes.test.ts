// Bytes of those who have not said who they are.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Unproven, UnprovenBytes } from './unproven-bytes.ts';

class Peer implements Unproven {
  heldBytes = 0;
  onReceived: (() => void) | null = null;
  reason: string | null = null;

  receive(bytes: number): void {
    this.heldBytes += bytes;
    this.onReceived?.();
  }

  close(reason: Error | null = null): void {
    this.reason = reason?.message ?? '';
  }
}

test('the one that holds the most gives way, and no other', () => {
  const all = new UnprovenBytes(1000);
  const peers = [new Peer(), new Peer(), new Peer()] as const;
  const [honest, small, large] = peers;
  const forget = peers.map((peer) => all.watch(peer));
  honest.receive(100);
  small.receive(400);
  large.receive(500);
  assert.deepEqual(
    peers.map(({ reason }) => reason),
    [null, null, null],
  );
  honest.receive(1);
  assert.match(large.reason ?? '', /had 1001 bytes held, and this one the most: 500/);
  assert.deepEqual([honest.reason, small.reason, all.sum], [null, null, 501]);
  forget[2]?.();
  assert.equal(all.sum, 501);
  honest.heldBytes = 0;
  honest.receive(50);
  assert.equal(all.sum, 450);
  forget[1]?.();
  assert.equal(all.sum, 50);
  small.receive(9999);
  assert.equal(all.sum, 50);
});
