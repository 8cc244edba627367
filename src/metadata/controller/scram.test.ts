// What AlterUserScramCredentials decides, and what is told of credentials.

import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { test } from 'node:test';
import { errorNameOf, TestController } from '../../../tests/doubles/metadata/controllers.ts';
import type { ScramDeletion, ScramUpsertion } from './api.ts';
import { alterScramCredentials, describeScram } from './scram.ts';

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');

function upsertion(user: string, mechanism = 1, iterations = 4096): ScramUpsertion {
  const hash = mechanism === 2 ? 'sha512' : 'sha256';
  const saltedPassword = pbkdf2Sync('pencil', salt, 4096, hash === 'sha256' ? 32 : 64, hash);
  return { user, mechanism, iterations, salt, saltedPassword };
}

function alter(
  controller: TestController,
  upsertions: readonly ScramUpsertion[],
  deletions: readonly ScramDeletion[] = [],
): (string | undefined)[] {
  return controller
    .decide((machine) => alterScramCredentials(machine, { upsertions, deletions }))
    .map(errorNameOf);
}

test('the keys are those of RFC 7677, and the password is not kept', () => {
  const controller = new TestController();
  assert.deepEqual(alter(controller, [upsertion('user')]), [undefined]);
  const kept = controller.image.scram.get('1/user');
  const text = (bytes: Buffer | undefined): string => bytes?.toString('base64') ?? '';
  assert.equal(text(kept?.storedKey), 'WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=');
  assert.equal(text(kept?.serverKey), 'wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=');
  assert.equal(kept?.iterations, 4096);
});

test('a user loses what is deleted, and only what is there can be', () => {
  const controller = new TestController();
  alter(controller, [upsertion('a'), upsertion('a', 2)]);
  assert.deepEqual(alter(controller, [], [{ user: 'a', mechanism: 1 }]), [undefined]);
  assert.deepEqual(alter(controller, [], [{ user: 'a', mechanism: 1 }]), ['RESOURCE_NOT_FOUND']);
  const [told] = describeScram(controller.image, ['a']);
  assert.deepEqual(
    told?.credentials.map(({ mechanism }) => mechanism),
    [2],
  );
});

test('what cannot be is refused, and leaves all of the user as it was', () => {
  const controller = new TestController();
  assert.deepEqual(alter(controller, [upsertion('a', 1, 4095)]), ['UNACCEPTABLE_CREDENTIAL']);
  assert.deepEqual(alter(controller, [upsertion('a', 1, 16_385)]), ['UNACCEPTABLE_CREDENTIAL']);
  assert.deepEqual(alter(controller, [upsertion('', 1)]), ['UNACCEPTABLE_CREDENTIAL']);
  const odd = [{ ...upsertion('a'), mechanism: 3 }];
  assert.deepEqual(alter(controller, odd), ['UNSUPPORTED_SASL_MECHANISM']);
  const twice = [upsertion('a'), upsertion('a'), upsertion('b')];
  assert.deepEqual(alter(controller, twice), ['DUPLICATE_RESOURCE', undefined]);
  assert.deepEqual([...controller.image.scram.keys()], ['1/b']);
});

test('all users are told of by name, unknown and repeated ones with an error', () => {
  const controller = new TestController();
  alter(controller, [upsertion('b'), upsertion('a')]);
  const told = (users: string[] | null): [string, string | undefined][] =>
    describeScram(controller.image, users).map(({ user, error }) => [user, error?.errorName]);
  const all = [
    ['a', undefined],
    ['b', undefined],
  ];
  assert.deepEqual(told(null), all);
  assert.deepEqual(told([]), all);
  assert.deepEqual(told(['nope']), [['nope', 'RESOURCE_NOT_FOUND']]);
  assert.deepEqual(told(['a', 'a']), [['a', 'DUPLICATE_RESOURCE']]);
});
