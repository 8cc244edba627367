// Every assignor on random groups: complete, exclusive, within subscriptions; uniform also even
// and sticky.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prng } from '../../../base/prng.ts';
import {
  type Assignment,
  type AssignorInput,
  type AssignorMember,
  type AssignorTopic,
  rangeAssignor,
  type TopicPartitions,
  uniformAssignor,
} from './index.ts';

const nothing: TopicPartitions = new Map();

function topic(id: string, partitionCount: number): AssignorTopic {
  return { id, partitionCount, racks: null };
}

function member(memberId: string, topicIds: readonly string[]): AssignorMember {
  const own = { instanceId: null, rackId: null, partitions: nothing };
  return { memberId, topicIds: new Set(topicIds), ...own };
}

function randomInput(prng: Prng, isAlike: boolean): AssignorInput {
  const topics = Array.from({ length: prng.int(6) }, (_, index) =>
    topic(`t${index}`, 1 + prng.int(12)),
  );
  const ids = topics.map(({ id }) => id);
  const members = Array.from({ length: 1 + prng.int(9) }, (_, index) =>
    member(`m${index}`, isAlike ? ids : ids.filter(() => prng.chance(0.6))),
  );
  return { members, topics };
}

/** The same group after somebody left and somebody came; everybody remembers its target. */
function changed(prng: Prng, input: AssignorInput, before: Assignment): AssignorInput {
  const members = input.members
    .filter((_, index) => index === 0 || prng.chance(0.8))
    .map((one) => ({ ...one, partitions: before.get(one.memberId) ?? nothing }));
  if (prng.chance(0.5)) members.push(member('new', [...(input.members[0]?.topicIds ?? [])]));
  return { ...input, members };
}

function ownersOf(assignment: Assignment): Map<string, string> {
  const owners = new Map<string, string>();
  for (const [memberId, topics] of assignment) {
    for (const [topicId, partitions] of topics) {
      for (const partition of partitions) {
        const key = `${topicId}-${partition}`;
        assert.equal(owners.get(key), undefined, `${key} has two owners`);
        owners.set(key, memberId);
      }
    }
  }
  return owners;
}

function assertSound(input: AssignorInput, assignment: Assignment): void {
  const owners = ownersOf(assignment);
  const byId = new Map(input.members.map((one) => [one.memberId, one]));
  assert.deepEqual([...assignment.keys()].sort(), [...byId.keys()].sort());
  for (const { id, partitionCount } of input.topics) {
    const isWanted = input.members.some(({ topicIds }) => topicIds.has(id));
    for (let partition = 0; partition < partitionCount; partition++) {
      const owner = owners.get(`${id}-${partition}`);
      assert.equal(owner !== undefined, isWanted, `${id}-${partition}`);
      if (owner !== undefined) assert.ok(byId.get(owner)?.topicIds.has(id));
    }
  }
}

function countsOf(assignment: Assignment): number[] {
  return [...assignment.values()].map((topics) =>
    [...topics.values()].reduce((sum, partitions) => sum + partitions.size, 0),
  );
}

describe('assignors', () => {
  for (const assignor of [uniformAssignor, rangeAssignor]) {
    for (const isAlike of [true, false]) {
      const kind = isAlike ? 'equal' : 'different';
      test(`${assignor.name} gives each partition to one subscriber (${kind} topics)`, () => {
        for (let seed = 0; seed < 300; seed++) {
          const prng = new Prng(seed);
          const input = randomInput(prng, isAlike);
          const first = assignor.assign(input);
          assertSound(input, first);
          const next = changed(prng, input, first);
          assertSound(next, assignor.assign(next));
        }
      });
    }
  }

  test('range gives contiguous ranges, and co-located ones for equal topics', () => {
    const input = {
      topics: [topic('a', 5), topic('b', 5)],
      members: [member('m1', ['a', 'b']), member('m2', ['a', 'b'])],
    };
    const assignment = rangeAssignor.assign(input);
    assert.deepEqual([...(assignment.get('m1')?.get('a') ?? [])], [0, 1, 2]);
    assert.deepEqual(assignment.get('m1')?.get('a'), assignment.get('m1')?.get('b'));
    assert.deepEqual([...(assignment.get('m2')?.get('b') ?? [])], [3, 4]);
  });

  test('range knows static members by their instance ids', () => {
    const before = rangeAssignor.assign({
      topics: [topic('a', 2)],
      members: [
        { ...member('x', ['a']), instanceId: 'i1' },
        { ...member('b', ['a']), instanceId: 'i2' },
      ],
    });
    assert.deepEqual([...(before.get('x')?.get('a') ?? [])], [0]);
  });

  test('uniform is even to one partition when subscriptions are equal', () => {
    for (let seed = 0; seed < 300; seed++) {
      const prng = new Prng(seed);
      const input = randomInput(prng, true);
      const first = uniformAssignor.assign(input);
      const next = changed(prng, input, first);
      for (const counts of [countsOf(first), countsOf(uniformAssignor.assign(next))]) {
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `seed ${seed}: ${counts}`);
      }
    }
  });

  test('uniform moves as few partitions as evenness takes', () => {
    for (let seed = 0; seed < 300; seed++) {
      const prng = new Prng(seed);
      const input = randomInput(prng, true);
      const before = uniformAssignor.assign(input);
      const next = changed(prng, input, before);
      const after = uniformAssignor.assign(next);
      const owners = ownersOf(before);
      const stayed = [...ownersOf(after)].filter(([key, owner]) => owners.get(key) === owner);
      // What each could keep at most: its share, or one more as far as there are any.
      const total = owners.size;
      const least = Math.floor(total / next.members.length);
      let extra = total % next.members.length;
      let most = 0;
      for (const { memberId } of next.members) {
        const own = [...owners.values()].filter((owner) => owner === memberId).length;
        const hasExtra = own > least && extra > 0;
        if (hasExtra) extra -= 1;
        most += Math.min(own, least + (hasExtra ? 1 : 0));
      }
      assert.equal(stayed.length, most, `seed ${seed}`);
    }
  });

  test('uniform moves nothing when nothing changed', () => {
    for (let seed = 0; seed < 200; seed++) {
      const prng = new Prng(seed);
      const input = randomInput(prng, seed % 2 === 0);
      const before = uniformAssignor.assign(input);
      const members = input.members.map((one) => ({
        ...one,
        partitions: before.get(one.memberId) ?? nothing,
      }));
      assert.deepEqual(ownersOf(uniformAssignor.assign({ ...input, members })), ownersOf(before));
    }
  });

  test('uniform leaves no partition that a member with two fewer could have', () => {
    for (let seed = 0; seed < 300; seed++) {
      const input = randomInput(new Prng(seed), false);
      const assignment = uniformAssignor.assign(input);
      const counts = new Map([...assignment.keys()].map((id, i) => [id, countsOf(assignment)[i]]));
      for (const [key, owner] of ownersOf(assignment)) {
        const topicId = key.slice(0, key.lastIndexOf('-'));
        for (const { memberId, topicIds } of input.members) {
          if (!topicIds.has(topicId)) continue;
          const lead = (counts.get(owner) as number) - (counts.get(memberId) as number);
          assert.ok(lead < 2, `seed ${seed}: ${key} of ${owner} belongs to ${memberId}`);
        }
      }
    }
  });

  test('uniform prefers members in a rack of the partition', () => {
    const racks = [new Set(['r1']), new Set(['r2']), new Set(['r1']), new Set(['r2'])];
    const assignment = uniformAssignor.assign({
      topics: [{ id: 'a', partitionCount: 4, racks }],
      members: [
        { ...member('m1', ['a']), rackId: 'r2' },
        { ...member('m2', ['a']), rackId: 'r1' },
      ],
    });
    assert.deepEqual([...(assignment.get('m1')?.get('a') ?? [])], [1, 3]);
    assert.deepEqual([...(assignment.get('m2')?.get('a') ?? [])], [0, 2]);
  });

  test('more members than partitions leave some with nothing', () => {
    const members = ['m1', 'm2', 'm3'].map((id) => member(id, ['a']));
    for (const assignor of [uniformAssignor, rangeAssignor]) {
      const assignment = assignor.assign({ topics: [topic('a', 2)], members });
      assert.deepEqual(countsOf(assignment), [1, 1, 0]);
    }
  });
});
