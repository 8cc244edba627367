// Errors of another copy of the same library are recognised.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { branded, namesOf } from './brand.ts';

/** The same classes, as a second copy of the library has them. */
function copy() {
  class Outer extends Error {
    static {
      branded(Outer, 'Outer');
    }
  }
  class Inner extends Outer {
    static {
      branded(Inner, 'Inner');
    }
  }
  class Unbranded extends Outer {}
  return { Outer, Inner, Unbranded };
}

test('an error of another copy is an instance of the same classes', () => {
  const [mine, theirs] = [copy(), copy()];
  const inner = new theirs.Inner('x');
  assert.equal(Object.getPrototypeOf(inner) === mine.Inner.prototype, false);
  assert.ok(inner instanceof mine.Inner && inner instanceof mine.Outer && inner instanceof Error);
  assert.equal(new theirs.Outer('x') instanceof mine.Inner, false);
  assert.deepEqual(namesOf(inner), ['Outer', 'Inner']);
});

test('a class without a brand is not mistaken for its parent', () => {
  const { Outer, Inner, Unbranded } = copy();
  assert.equal(new Outer('x') instanceof Unbranded, false);
  assert.ok(new Unbranded('x') instanceof Unbranded && new Unbranded('x') instanceof Outer);
  assert.equal(new Unbranded('x') instanceof Inner, false);
});

test('what is no error of ours is an instance of nothing', () => {
  const { Outer } = copy();
  for (const value of [null, undefined, 0, 'x', {}, new Error('x')]) {
    assert.equal((value as unknown) instanceof Outer, false);
  }
});
