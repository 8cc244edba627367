// one-owner.ts: what it lets pass, what it refuses, and planted bugs that it finds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConsumerGroup } from '../../src/coordinator/group/consumer/consumer-group.ts';
import { commitOffsets } from '../../src/coordinator/group/offsets/commit-offsets.ts';
import { GroupCoordinator } from '../../src/coordinator/index.ts';
import { runGroups } from '../scenarios/groups.ts';
import { OneOwner } from './one-owner.ts';
import { firstFailure, withPatch } from './planted-bugs.ts';

const place = { groupId: 'g', topic: 't', partition: 0 };

/** The member sends a commit, and it is acknowledged. */
function prove(owners: OneOwner, life: string): void {
  const claim = owners.claim(life, place);
  assert.ok(claim !== null);
  owners.prove(claim);
}

test('a partition passes from one owner to the next', () => {
  const owners = new OneOwner();
  for (const life of ['a', 'b', 'a']) {
    owners.onAssigned(life, place);
    prove(owners, life);
    owners.onGone(life, place);
  }
  assert.equal(owners.claim('a', place), null);
});

test('two proven owners at one time are refused', () => {
  const owners = new OneOwner();
  owners.onAssigned('a', place);
  owners.onAssigned('b', place);
  prove(owners, 'b');
  assert.throws(() => prove(owners, 'a'), /g\/t-0 has two owners: a and b/);
});

test('a member that was thrown out and does not know may believe what it likes', () => {
  const owners = new OneOwner();
  owners.onAssigned('a', place);
  prove(owners, 'a');
  owners.onAssigned('b', place);
  prove(owners, 'b');
  owners.claim('a', place);
  prove(owners, 'b');
});

test('a commit proves the moment in which it was sent, not that of its answer', () => {
  const owners = new OneOwner();
  owners.onAssigned('a', place);
  const claim = owners.claim('a', place);
  owners.onAssigned('b', place);
  prove(owners, 'b');
  assert.ok(claim !== null);
  owners.prove(claim);
});

test('a generation has one owner of a partition', () => {
  const owners = new OneOwner();
  owners.onGeneration('a', 1, [place]);
  owners.onGeneration('a', 1, [place]);
  owners.onGeneration('b', 2, [place]);
  assert.throws(() => owners.onGeneration('b', 1, [place]), /in generation 1 has two owners: a/);
});

test('a coordinator that shows a partition twice is refused', () => {
  const owners = new OneOwner();
  const member = (memberId: string, partition: number, target: number) => ({
    memberId,
    assignment: [{ topic: 't', partition }],
    targetAssignment: [{ topic: 't', partition: target }],
  });
  owners.onDescribed({ groupId: 'g', members: [member('a', 0, 1), member('b', 1, 0)] });
  const same = { groupId: 'g', members: [member('a', 0, 1), member('b', 0, 0)] };
  assert.throws(() => owners.onDescribed(same), /shows two owners of g\/t-0 \(assignment\): a/);
  const target = { groupId: 'g', members: [member('a', 0, 1), member('b', 1, 1)] };
  assert.throws(() => owners.onDescribed(target), /\(targetAssignment\)/);
});

test('a coordinator that gives a partition away before it was let go is caught', async () => {
  const patch = { ownerOf: () => undefined };
  const failure = await withPatch(ConsumerGroup.prototype, patch, () =>
    firstFailure((world) => runGroups(world, 'kill', { kinds: ['consumer'] }), 30),
  );
  assert.match(String(failure), /two owners/);
});

test('a coordinator that forgets to fence old generations is caught', async () => {
  type Request = Parameters<GroupCoordinator['commitOffsets']>[0];
  const patch = {
    commitOffsets(this: GroupCoordinator, request: Request) {
      return this.shardOf(request.groupId).decide((table, outcome) =>
        commitOffsets(table.at, { request, check: undefined }, outcome),
      );
    },
  };
  const failure = await withPatch(GroupCoordinator.prototype, patch, () =>
    firstFailure(
      (world) => runGroups(world, 'network', { kinds: ['eager', 'cooperative'] }),
      60,
      226,
    ),
  );
  assert.match(String(failure), /two owners/);
});
