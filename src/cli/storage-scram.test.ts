// --add-scram in the forms that Kafka's kafka-storage takes, and others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '../io/index.ts';
import {
  type ScramMechanism,
  saltedPassword,
  scramKeys,
  scramMechanism,
} from '../security/sasl/index.ts';
import { scramRecord } from './storage-scram.ts';

const random = { bytes: (count: number) => Buffer.alloc(count, 7) } as unknown as Random;

test('a user with a password is what SCRAM derives of it', () => {
  const mechanism = scramMechanism('SCRAM-SHA-512') as ScramMechanism;
  const salt = Buffer.alloc(16, 7);
  const keysOf = (password: string, iterations: number) =>
    scramKeys(mechanism, saltedPassword(mechanism, password, { salt, iterations }));
  const common = { type: 'UserScramCredentialRecord', mechanism: 2, salt };
  assert.deepEqual(scramRecord(random, 'SCRAM-SHA-512=[name=alice,password=a=b]'), {
    ...{ ...common, name: 'alice', iterations: 4096 },
    ...keysOf('a=b', 4096),
  });
  const quoted = 'SCRAM-SHA-512=[name="a,b", iterations=8192, password="p,w"]';
  assert.deepEqual(scramRecord(random, quoted), {
    ...{ ...common, name: 'a,b', iterations: 8192 },
    ...keysOf('p,w', 8192),
  });
  const salted = saltedPassword(mechanism, 'x', { salt, iterations: 4096 }).toString('base64');
  const ready = `SCRAM-SHA-512=[name=a,saltedpassword=${salted},salt=${salt.toString('base64')}]`;
  assert.deepEqual(scramRecord(random, ready), {
    ...{ ...common, name: 'a', iterations: 4096 },
    ...keysOf('x', 4096),
  });
});

test('what is missing or impossible is refused without the password', () => {
  const refused = (text: string, message: RegExp): void => {
    assert.throws(
      () => scramRecord(random, text),
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /s3cret/);
        return true;
      },
    );
  };
  refused('PLAIN=[name=a,password=s3cret]', /expected SCRAM-SHA-256=\[/);
  refused('SCRAM-SHA-256=name=a,password=s3cret', /expected SCRAM-SHA-256=\[/);
  refused('SCRAM-SHA-256=[password=s3cret]', /supply 'name'/);
  refused('SCRAM-SHA-256=[name=a]', /one of 'password' or 'saltedpassword'/);
  refused('SCRAM-SHA-256=[name=a,password=s3cret,saltedpassword=eA==]', /one of/);
  refused('SCRAM-SHA-256=[name=a,saltedpassword=eA==]', /'salt' with/);
  refused('SCRAM-SHA-256=[name=a,password=s3cret,iterations=4095]', /from 4096 to 16384/);
  refused('SCRAM-SHA-256=[name=a,password=s3cret,iterations=16385]', /from 4096 to 16384/);
  refused('SCRAM-SHA-256=[name=a,pasword=s3cret]', /alone/);
  refused('SCRAM-SHA-256=[name=a,password="s3cret]', /alone/);
});
