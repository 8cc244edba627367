// Where a ZooKeeper is, in the words of `zookeeper.connect`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConnectString } from './connect-string.ts';

test('a chroot is whole parts, in any letters that a node may have', () => {
  const long = `/${'x'.repeat(2_000)}`;
  for (const chroot of ['', '/a', '/kafka/one', '/käfka', '/a+b=c', long]) {
    assert.equal(parseConnectString(`h:1${chroot}`).chroot, chroot);
    assert.equal(parseConnectString(`h:1${chroot}/`).chroot, chroot, 'a slash at the end');
  }
});

test('what makes no sense is refused in one line', () => {
  const paths = ['//a', '/a//b', '/a b', '/..', '/a/../b', '/./a', '/a\u0001', '/a\u0090', '/😀'];
  for (const text of ['', ':1', 'h:0', 'h:x', 'h h', 'u@h', ...paths.map((path) => `h:1${path}`)]) {
    assert.throws(() => parseConnectString(text), {
      message: /^the ZooKeeper at .*: expected .+$/,
    });
  }
});
