// The assignors: what they promise, over random groups, and Java's own answers and bytes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../../base/prng.ts';
import { keyOf, type TopicPartition } from '../../leader-requests.ts';
import {
  type Assignment,
  type AssignorName,
  assignorNames,
  createAssignor,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type GroupMember,
  type GroupTopics,
} from './index.ts';

function places(...texts: string[]): TopicPartition[] {
  return texts.map((text) => ({ topic: text.slice(0, -2), partition: Number(text.at(-1)) }));
}

function member(memberId: string, topics: string[], more: Partial<GroupMember> = {}): GroupMember {
  return {
    memberId,
    groupInstanceId: null,
    topics,
    userData: null,
    owned: [],
    generation: -1,
    rackId: null,
    ...more,
  };
}

function topicsOf(counts: Record<string, number>): GroupTopics {
  return new Map(
    Object.entries(counts).map(([name, partitionCount]) => [name, { partitionCount }]),
  );
}

function shown(assignment: Assignment): Record<string, string> {
  return Object.fromEntries(
    [...assignment].map(([memberId, assigned]) => [
      memberId,
      assigned.map(({ topic, partition }) => `${topic}-${partition}`).join(' '),
    ]),
  );
}

test('subscriptions, assignments and user data have the bytes that Java 4.4 writes', () => {
  const subscription = {
    topics: ['beta', 'alpha'],
    userData: Buffer.from([1, 2]),
    owned: places('beta-1', 'alpha-3', 'beta-0'),
    generation: 7,
    rackId: 'r1',
  };
  const hex =
    '0003000000020005616c706861000462657461000000020102000000020005616c7068610000000100000003' +
    '00046265746100000002000000000000000100000007' +
    '00027231';
  assert.equal(encodeSubscription(subscription).toString('hex'), hex);
  const decoded = decodeSubscription(Buffer.from(hex, 'hex'));
  assert.deepEqual(decoded.topics, ['alpha', 'beta']);
  assert.deepEqual(decoded.owned, places('alpha-3', 'beta-0', 'beta-1'));
  assert.equal(decoded.generation, 7);
  assert.equal(decoded.rackId, 'r1');
  const bare = { topics: ['t'], userData: null, owned: [], generation: -1, rackId: null };
  const bareHex = '000300000001000174ffffffff00000000ffffffffffff';
  assert.equal(encodeSubscription(bare).toString('hex'), bareHex);
  const assignment = places('t-2', 'u-0', 't-0');
  const assignmentHex = '0003000000020001740000000200000002000000000001750000000100000000ffffffff';
  assert.equal(encodeAssignment(assignment).toString('hex'), assignmentHex);
  assert.deepEqual(decodeAssignment(Buffer.alloc(0)), []);

  const sticky = createAssignor('sticky');
  assert.equal(sticky.userData(), null);
  sticky.onAssignment(places('t-2', 't-5'), 9);
  const stickyHex = '0000000100017400000002000000020000000500000009';
  assert.equal(sticky.userData()?.toString('hex'), stickyHex);
  const cooperative = createAssignor('cooperative-sticky');
  assert.equal(cooperative.userData()?.toString('hex'), 'ffffffff');
  cooperative.onAssignment([], 9);
  assert.equal(cooperative.userData()?.toString('hex'), '00000009');
});

test('subscriptions of old versions are read without what they lack', () => {
  const version0 = Buffer.from('000000000001000174ffffffff', 'hex');
  assert.deepEqual(decodeSubscription(version0), {
    topics: ['t'],
    userData: null,
    owned: [],
    generation: -1,
    rackId: null,
  });
});

test('range and round robin divide as Java does, static members first', () => {
  const members = [
    member('c1', ['a', 'b']),
    member('c2', ['b', 'c']),
    member('c3', ['a', 'b', 'c'], { groupInstanceId: 'i9' }),
  ];
  const topics = topicsOf({ a: 5, b: 4, c: 3 });
  assert.deepEqual(shown(createAssignor('range').assign(members, topics)), {
    c1: 'a-3 a-4 b-2',
    c2: 'b-3 c-2',
    c3: 'a-0 a-1 a-2 b-0 b-1 c-0 c-1',
  });
  assert.deepEqual(shown(createAssignor('roundrobin').assign(members, topics)), {
    c1: 'a-1 a-3 b-0 b-3',
    c2: 'b-1 c-0 c-2',
    c3: 'a-0 a-2 a-4 b-2 c-1',
  });
});

test('range gives partitions to members in the rack of a replica, as Java does', () => {
  const racks = Array.from({ length: 7 }, (_, i) => [`r${i % 3}`]);
  const topic = { partitionCount: 7, racks };
  const members = ['m0', 'm1', 'm2'].map((memberId, i) =>
    member(memberId, ['a', 'b'], { rackId: `r${2 - i}` }),
  );
  const range = createAssignor('range');
  const both = new Map([
    ['a', topic],
    ['b', topic],
  ]);
  assert.deepEqual(shown(range.assign(members, both)), {
    m0: 'a-2 a-5 b-2 b-5',
    m1: 'a-1 a-4 b-1 b-4',
    m2: 'a-0 a-3 a-6 b-0 b-3 b-6',
  });
  const one = new Map([['a', topic]]);
  assert.deepEqual(shown(range.assign(members, one)), {
    m0: 'a-2 a-5',
    m1: 'a-1 a-4',
    m2: 'a-0 a-3 a-6',
  });
});

test('cooperative sticky holds back what somebody must give up first', () => {
  const members = [
    member('m1', ['a'], { owned: places('a-0', 'a-1', 'a-2'), generation: 3 }),
    member('m2', ['a'], { owned: places('a-3', 'a-4'), generation: 3 }),
    member('m3', ['a'], { owned: places('a-0'), generation: 2 }),
  ];
  const assignor = createAssignor('cooperative-sticky');
  assert.deepEqual(shown(assignor.assign(members, topicsOf({ a: 6 }))), {
    m1: 'a-0 a-1',
    m2: 'a-3 a-4',
    m3: 'a-5',
  });
});

test('a partition that two members of one generation claim goes to nobody at first', () => {
  const members = [
    member('m1', ['a'], { owned: places('a-0', 'a-1'), generation: 3 }),
    member('m2', ['a'], { owned: places('a-1'), generation: 3 }),
  ];
  const assignor = createAssignor('cooperative-sticky');
  const assigned = shown(assignor.assign(members, topicsOf({ a: 2 })));
  assert.deepEqual(assigned, { m1: 'a-0', m2: '' });
});

test('sticky reads user data without a generation, and ignores what it cannot read', () => {
  const schema0 = Buffer.from('0000000100016100000002000000000000' + '0001', 'hex');
  const members = [
    member('m1', ['a']),
    member('m2', ['a'], { userData: schema0 }),
    member('m3', ['a'], { userData: Buffer.from([1, 2, 3]) }),
  ];
  const assigned = createAssignor('sticky').assign(members, topicsOf({ a: 6 }));
  assert.deepEqual(assigned.get('m2'), places('a-0', 'a-1'));
});

/** One member leaves or comes, topics grow: rounds in the life of a group. */
class RandomGroup {
  readonly prng: Prng;
  readonly members = new Map<string, string[]>();
  readonly counts: Record<string, number> = {};
  readonly #isUniform: boolean;
  #created = 0;

  constructor(seed: number, isUniform: boolean) {
    this.prng = new Prng(`group ${seed}`);
    this.#isUniform = isUniform;
    for (let i = 0; i < 1 + this.prng.int(4); i++) this.counts[`t${i}`] = this.prng.int(9);
    for (let i = 0; i < 1 + this.prng.int(5); i++) this.join();
  }

  get topics(): GroupTopics {
    return topicsOf(this.counts);
  }

  join(): void {
    const names = Object.keys(this.counts);
    const some = names.filter(() => this.#isUniform || this.prng.chance(0.6));
    this.members.set(`m${this.prng.int(90)}-${this.#created++}`, [...some, 'missing']);
  }

  churn(): void {
    const leaving = [...this.members.keys()];
    if (this.prng.chance(0.4) && leaving.length > 1) this.members.delete(this.prng.pick(leaving));
    if (this.prng.chance(0.4)) this.join();
    const topic = this.prng.pick(Object.keys(this.counts));
    if (this.prng.chance(0.2)) this.counts[topic] = (this.counts[topic] ?? 0) + this.prng.int(4);
  }
}

function assertEachOnce(members: readonly GroupMember[], topics: GroupTopics, got: Assignment) {
  const owners = new Map<string, string>();
  for (const [memberId, assigned] of got) {
    const topicsAllowed = members.find((each) => each.memberId === memberId)?.topics ?? [];
    for (const place of assigned) {
      assert.ok(topicsAllowed.includes(place.topic), `${memberId} got ${keyOf(place)}`);
      assert.equal(owners.get(keyOf(place)), undefined, `${keyOf(place)} has two owners`);
      owners.set(keyOf(place), memberId);
    }
  }
  let wanted = 0;
  for (const [name, { partitionCount }] of topics) {
    if (members.some((each) => each.topics.includes(name))) wanted += partitionCount;
  }
  assert.equal(owners.size, wanted);
  assert.equal(got.size, members.length);
}

function assertBalanced(members: readonly GroupMember[], got: Assignment): void {
  for (const { memberId, topics } of members) {
    const own = (got.get(memberId) as TopicPartition[]).length;
    for (const [other, assigned] of got) {
      if (!assigned.some(({ topic }) => topics.includes(topic))) continue;
      assert.ok(assigned.length <= own + 1, `${other} has ${assigned.length}, ${memberId} ${own}`);
    }
  }
}

function movedBetween(before: Assignment, after: Assignment): number {
  let moved = 0;
  for (const [memberId, assigned] of after) {
    const others = [...before].filter(([other]) => other !== memberId && after.has(other));
    const had = new Set(others.flatMap(([, each]) => each.map(keyOf)));
    moved += assigned.filter((place) => had.has(keyOf(place))).length;
  }
  return moved;
}

for (const name of assignorNames) {
  test(`${name}: every partition has exactly one owner through every change of a group`, () => {
    for (let seed = 0; seed < 100; seed++) {
      const group = new RandomGroup(seed, seed % 2 === 0);
      const assignors = new Map<string, ReturnType<typeof createAssignor>>();
      let owned: Assignment = new Map();
      for (let generation = 1; generation < 10; generation++) {
        owned = rebalance(group, { name, assignors, owned, generation });
        group.churn();
      }
    }
  });
}

interface Round {
  readonly name: AssignorName;
  readonly assignors: Map<string, ReturnType<typeof createAssignor>>;
  readonly owned: Assignment;
  readonly generation: number;
}

/** Rounds of joining until nobody has to give anything up; checks each. */
function rebalance(group: RandomGroup, { name, assignors, owned, generation }: Round): Assignment {
  let before = owned;
  for (let round = 0; ; round++) {
    const members = [...group.members].map(([memberId, topics]) => {
      const assignor = assignors.get(memberId) ?? createAssignor(name);
      assignors.set(memberId, assignor);
      const mine = assignor.isCooperative ? (before.get(memberId) ?? []) : [];
      const known = mine.filter(({ topic }) => topics.includes(topic));
      const since = before.has(memberId) ? generation * 10 + round - 1 : -1;
      const userData = assignor.userData();
      return member(memberId, topics, { owned: known, generation: since, userData });
    });
    const leader = assignors.get(members[0]?.memberId ?? '') as ReturnType<typeof createAssignor>;
    const got = leader.assign(members, group.topics);
    for (const { memberId } of members) {
      assignors.get(memberId)?.onAssignment(got.get(memberId) ?? [], generation * 10 + round);
    }
    if (leader.isCooperative) {
      assert.equal(movedBetween(before, got), 0, 'a partition moved without being given up');
      const revoked = members.some(({ memberId, owned: mine }) =>
        mine.some((place) => !got.get(memberId)?.some((each) => keyOf(each) === keyOf(place))),
      );
      before = got;
      if (revoked) {
        assert.ok(round < 5, 'cooperative rounds come to an end');
        continue;
      }
    }
    assertEachOnce(members, group.topics, got);
    if (name.includes('sticky')) assertBalanced(members, got);
    return got;
  }
}

test('sticky: without a change nothing moves, and a member that leaves moves only its own', () => {
  for (let seed = 0; seed < 100; seed++) {
    const prng = new Prng(`sticky ${seed}`);
    const topics = topicsOf({ a: 1 + prng.int(20), b: prng.int(20) });
    const ids = Array.from({ length: 2 + prng.int(6) }, (_, i) => `m${i}`);
    const assignors = new Map(ids.map((id) => [id, createAssignor('sticky')]));
    const run = (some: readonly string[], generation: number): Assignment => {
      const members = some.map((id) =>
        member(id, ['a', 'b'], { userData: assignors.get(id)?.userData() ?? null }),
      );
      const got = createAssignor('sticky').assign(members, topics);
      for (const id of some) assignors.get(id)?.onAssignment(got.get(id) ?? [], generation);
      return got;
    };
    const first = run(ids, 1);
    const second = run([...ids].reverse(), 2);
    assert.equal(movedBetween(first, second), 0);
    const third = run(ids.slice(1), 3);
    assert.equal(movedBetween(second, third), 0);
    const fourth = run(ids, 4);
    const fair = Math.ceil(
      [...topics.values()].reduce((n, t) => n + t.partitionCount, 0) / ids.length,
    );
    assert.ok(movedBetween(third, fourth) <= fair, 'one that joins takes its share, no more');
  }
});
