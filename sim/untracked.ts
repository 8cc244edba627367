// node:test follows every promise of a test file to the test that made it (async_hooks), so that an
// error that nobody awaits fails that test. A world makes millions of promises: following them took
// a third of the processor time of all tests. From the first world on a file goes without; an
// error that nobody awaits fails the file instead.
//
// Invariant: tests are all registered by then. node:test puts a test into the `describe` around it
// by the same hook, and files register their tests while they are loaded.

import { type AsyncHook, createHook } from 'node:async_hooks';

const prototype = Object.getPrototypeOf(createHook({})) as AsyncHook;
const { enable } = prototype;
let following: AsyncHook | null = null;

// node:test makes its hook with the first test of a file, which is after its imports.
prototype.enable = function remembered(this: AsyncHook) {
  following = this;
  return enable.call(this);
};

/** From now on node:test follows no promise of this process. */
export function followNoPromises(): void {
  following?.disable();
  following = null;
}
