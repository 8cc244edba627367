// Invariants. An assertion that fails is a bug of ours: the process stops and says why, and the
// next start recovers by replay. Errors that a user or a client can cause are never asserts.

export class AssertionFailed extends Error {
  constructor(message: string) {
    super(`invariant broken: ${message}`);
    this.name = 'AssertionFailed';
  }
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message);
}
