// The persistent map against Map, and the keys that hash alike.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PersistentMap } from './persistent-map.ts';
import { Prng } from './prng.ts';

test('random sets and deletes agree with Map, and no version changes afterwards', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Prng(`persistent-map/${seed}`);
    const model = new Map<string, number>();
    let map = PersistentMap.empty<string, number>();
    const versions: { map: PersistentMap<string, number>; entries: [string, number][] }[] = [];
    for (let step = 0; step < 1500; step++) {
      const key = `k${random.int(200)}`;
      if (random.chance(0.45)) {
        model.delete(key);
        map = map.delete(key);
      } else {
        model.set(key, step);
        map = map.set(key, step);
      }
      assert.equal(map.size, model.size);
      if (step % 100 === 0) versions.push({ map, entries: [...model] });
    }
    for (const { map: version, entries } of versions) {
      assert.deepEqual([...version].sort(), entries.sort());
    }
    for (let k = 0; k < 200; k++) {
      assert.equal(map.get(`k${k}`), model.get(`k${k}`));
      assert.equal(map.has(`k${k}`), model.has(`k${k}`));
    }
  }
});

test('keys that share every bit of their hash live side by side', () => {
  // Found by search: FNV-1a with a murmur finish maps both to one value.
  const [first, second] = collidingKeys();
  let map = PersistentMap.empty<string, string>().set('other', 'o');
  map = map.set(first, 'a').set(second, 'b');
  assert.equal(map.size, 3);
  assert.deepEqual([map.get(first), map.get(second), map.get('other')], ['a', 'b', 'o']);
  map = map.set(first, 'a2');
  assert.deepEqual([map.size, map.get(first), map.get(second)], [3, 'a2', 'b']);
  const without = map.delete(first);
  assert.deepEqual([without.size, without.get(first), without.get(second)], [2, undefined, 'b']);
  const alone = without.delete('other').delete(second);
  assert.deepEqual([...alone], []);
});

test('integers, undefined values and the order of iteration do not depend on history', () => {
  const forwards = PersistentMap.from(Array.from({ length: 500 }, (_, i) => [i, undefined]));
  let backwards = PersistentMap.empty<number, undefined>();
  for (let i = 999; i >= 0; i--) backwards = backwards.set(i, undefined);
  for (let i = 500; i < 1000; i++) backwards = backwards.delete(i);
  assert.equal(forwards.has(7), true);
  assert.deepEqual([...backwards.keys()], [...forwards.keys()]);
});

// FNV-1a works on 32 bits of state, so two short words that lead to one state collide whatever
// the finish is.
function collidingKeys(): [string, string] {
  const seen = new Map<number, string>();
  for (let i = 0; ; i++) {
    const key = `c${i.toString(36)}`;
    let hash = 0x811c9dc5;
    for (const char of key) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
    const other = seen.get(hash >>> 0);
    if (other !== undefined) return [other, key];
    seen.set(hash >>> 0, key);
  }
}
