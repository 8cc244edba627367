// Against what Kafka 4.3.1's kafka-storage.sh prints.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featureDependencies, versionMapping } from './feature-texts.ts';

test('a release has its levels of features', () => {
  const levels = (release: string): string =>
    versionMapping(release)
      .split('\n')
      .map((line) => line.replace(/^.*=(?=\d)/, ''))
      .join(' ');
  assert.equal(levels('3.7'), '19 (3.7) 0 0 0 0 0 0 ');
  assert.equal(levels('3.9'), '21 (3.9) 1 0 0 0 0 0 ');
  assert.equal(levels('4.0-IV3'), '25 (4.0-IV3) 1 2 1 0 0 0 ');
  assert.equal(levels('4.3'), '30 (4.3) 1 2 1 1 1 1 ');
  assert.match(versionMapping(undefined), /^metadata\.version=33 \(4\.4-IV2\)\nkraft\.version=1\n/);
  assert.throws(
    () => versionMapping('3.0'),
    /Unknown metadata\.version '3\.0'\. Supported .*3\.3-IV3/,
  );
});

test('a level of a feature needs others, or nothing', () => {
  assert.equal(
    featureDependencies(['group.version=1', 'eligible.leader.replicas.version=1']),
    'group.version=1 has no dependencies.\n' +
      'eligible.leader.replicas.version=1 requires:\n    metadata.version=23 (4.0-IV1)\n',
  );
  assert.equal(
    featureDependencies(['metadata.version=30']),
    'metadata.version=30 (4.3-IV0) has no dependencies.\n',
  );
  const refused: readonly [string, RegExp][] = [
    ['nope=1', /^Unknown feature: nope$/],
    ['group.version=9', /^Feature level 9 is not supported for feature group\.version$/],
    ['metadata.version=99', /^Unknown metadata\.version 99$/],
    ['group.version', /^Invalid feature format: group\.version\./],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => featureDependencies([text]), { message });
  }
});
