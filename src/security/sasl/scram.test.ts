// SCRAM: RFC 7677's example, both sides against each other, and what hostile ones say.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Random } from '../../io/index.ts';
import { type DelegationToken, tokenHmac } from '../tokens/index.ts';
import { SaslError, type SaslServer, type SaslStep } from './sasl-exchange.ts';
import { type ScramMechanism, saltedPassword, scramKeys, scramMechanism } from './scram-keys.ts';
import { scramLogin } from './scram-login.ts';
import { parseClientFirst } from './scram-messages.ts';
import { type ScramCredential, scramServer } from './scram-server.ts';
import { TokenLogins } from './token-logins.ts';

const sha256 = scramMechanism('SCRAM-SHA-256') as ScramMechanism;
const sha512 = scramMechanism('SCRAM-SHA-512') as ScramMechanism;

const randomOf = (nonce: string): Random => {
  return { bytes: () => Buffer.from(nonce, 'base64url') } as unknown as Random;
};

function credential(
  mechanism: ScramMechanism,
  password: string,
  salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  iterations = 4096,
): ScramCredential {
  const keys = scramKeys(mechanism, saltedPassword(mechanism, password, { salt, iterations }));
  return { salt, iterations, ...keys };
}

function server(
  users: Record<string, ScramCredential>,
  {
    nonce = 'serverNonce',
    mechanism = sha256,
    saltSecret = 'cluster',
    tokens = null as TokenLogins | null,
  } = {},
): { next(token: string | Buffer): SaslStep } {
  const made: SaslServer = scramServer({
    mechanism,
    credentialOf: (user) => (Object.hasOwn(users, user) ? users[user] : undefined),
    tokens,
    saltSecret,
    nonce,
  });
  return { next: (token) => made.next(Buffer.from(token)) as SaslStep };
}

const refused = (run: () => unknown, message?: RegExp): void => {
  assert.throws(run, (error) => {
    assert.ok(error instanceof SaslError, String(error));
    if (message !== undefined) assert.match(error.message, message);
    return true;
  });
};

test('both sides say what RFC 7677, section 3 has them say', () => {
  const peer = server(
    { user: credential(sha256, 'pencil') },
    { nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' },
  );
  const user = { username: 'user', password: 'pencil' };
  const client = scramLogin(randomOf('rOprNGfwEbeRWgbNEkqO'), sha256, user).start('host');
  const first = client.next(null) as Buffer;
  assert.equal(first.toString(), 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const challenge = peer.next(first).token;
  assert.equal(
    challenge.toString(),
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  const final = client.next(challenge) as Buffer;
  assert.equal(
    final.toString(),
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' +
      'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  const { token, identity } = peer.next(final);
  assert.equal(token.toString(), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  assert.equal(identity?.principal.name, 'user');
  assert.equal(client.next(token), null);
  refused(() => client.next(token), /behind the end/);
});

/** What the server says to a client with this user; throws what it refuses with. */
function converse(
  username: string,
  password: string,
  peer: ReturnType<typeof server>,
  mechanism = sha256,
): SaslStep {
  const client = scramLogin(randomOf('Y2xpZW50'), mechanism, { username, password }).start('host');
  const final = client.next(peer.next(client.next(null) as Buffer).token) as Buffer;
  const step = peer.next(final);
  client.next(step.token);
  return step;
}

test('SCRAM-SHA-512, signs in names, and names beyond ASCII', () => {
  for (const name of ['a,b=c', '=2C', '=3D2C', 'jürgen', 'n=x,r=y']) {
    const users = { [name]: credential(sha512, 'pässword', Buffer.from('salt'), 8192) };
    const peer = server(users, { mechanism: sha512 });
    const { identity } = converse(name, 'pässword', peer, sha512);
    assert.equal(identity?.principal.name, name);
  }
});

describe('a server', () => {
  const users = { alice: credential(sha256, 'secret') };
  const first = 'n,,n=alice,r=abc';

  test('refuses a wrong password and an unknown user in the same words at the same step', () => {
    const why = (user: string, password: string): [string, string | null] => {
      try {
        converse(user, password, server(users));
      } catch (error) {
        return [(error as SaslError).message, (error as SaslError).told];
      }
      throw new Error('let in');
    };
    assert.deepEqual(why('alice', 'wrong'), ['Invalid client credentials', null]);
    assert.deepEqual(why('mallory', 'secret'), why('alice', 'wrong'));
  });

  test('answers an unknown user with the same salt each time and on every broker', () => {
    const answer = (user: string, saltSecret?: string): string => {
      const peer = server(users, saltSecret === undefined ? {} : { saltSecret });
      return peer.next(`n,,n=${user},r=abc`).token.toString();
    };
    assert.equal(answer('mallory'), answer('mallory'));
    assert.notEqual(answer('mallory'), answer('mallet'));
    assert.notEqual(answer('mallory'), answer('mallory', 'another cluster'));
    const shape = (text: string): string => text.replace(/s=[A-Za-z0-9+/]{22}==/, 's=SALT');
    assert.equal(shape(answer('mallory')), shape(answer('alice')));
  });

  test('known and unknown users take the same steps', () => {
    const calls = (user: string): string[] => {
      const seen: string[] = [];
      const traced = (found: ScramCredential | undefined): ScramCredential | undefined =>
        found &&
        new Proxy(found, {
          get: (of, key) => {
            seen.push(String(key));
            return Reflect.get(of, key);
          },
        });
      const made = scramServer({
        mechanism: sha256,
        credentialOf: (name) => traced(name === 'alice' ? users.alice : undefined),
        tokens: null,
        saltSecret: 'x',
        nonce: 'server',
      });
      const client = scramLogin(randomOf('abcd'), sha256, { username: user, password: 'no' });
      const exchange = client.start('host');
      const challenge = made.next(exchange.next(null) as Buffer) as SaslStep;
      assert.throws(() => made.next(exchange.next(challenge.token) as Buffer), SaslError);
      return seen;
    };
    // The stored key is used although the proof is wrong, as it is of one who is made up.
    assert.ok(calls('alice').includes('storedKey'));
    assert.deepEqual(calls('mallory'), []);
  });

  test('takes the nonce of this exchange as a whole (CVE-2024-56128)', () => {
    for (const nonce of ['serverNonce', 'xyzserverNonce', 'abcserverNonc', 'abcserverNonce1']) {
      const peer = server(users);
      peer.next(first);
      refused(() => peer.next(`c=biws,r=${nonce},p=AAAA`), /nonce/);
    }
  });

  test('takes n and y, binds to no channel, and has the header repeated', () => {
    assert.match(server(users).next('y,,n=alice,r=abc').token.toString(), /^r=abcserverNonce/);
    refused(() => server(users).next('p=tls-exporter,,n=alice,r=abc'), /channel binding/);
    const peer = server(users);
    peer.next('y,,n=alice,r=abc');
    refused(() => peer.next('c=biws,r=abcserverNonce,p=AAAA'), /channel binding/);
  });

  test('refuses to act for somebody else, a token of delegation, and what is no SCRAM', () => {
    refused(() => server(users).next('n,a=bob,n=alice,r=abc'), /authorization id/);
    server(users).next('n,a=alice,n=alice,r=abc');
    const asToken = server(users);
    const alike = (text: string): string => text.replace(/s=[^,]+/, '');
    assert.equal(
      alike(asToken.next('n,,n=alice,r=abc,tokenauth=true').token.toString()),
      alike(server(users).next(first).token.toString()),
    );
    const garbage = ['', 'n,,', 'n,,n=,r=a', 'n,,n=a', 'n,,n=a,r=', 'n,,n=a=2D,r=x', 'x,,n=a,r=x'];
    for (const text of [...garbage, 'n,,m=x,n=a,r=x', 'n,,n=a,r=x,m=1', 'n,,n=a\0b,r=x', '\0']) {
      refused(() => server(users).next(text));
    }
  });

  test('is over with the first final message', () => {
    const peer = server(users);
    peer.next(first);
    refused(() => peer.next('c=biws,r=abcserverNonce,p=AAAA'), /Invalid client credentials/);
    refused(() => peer.next('c=biws,r=abcserverNonce,p=AAAA'), /is over/);
  });

  test('does not take a credential of fewer iterations than are demanded', () => {
    const weak = { alice: credential(sha256, 'secret', Buffer.from('s'), 1000) };
    const peer = server(weak);
    assert.match(peer.next(first).token.toString(), /,i=4096$/);
  });
});

describe('a client', () => {
  const begun = (): { next(text: string): Buffer | null } => {
    const user = { username: 'alice', password: 'secret' };
    const exchange = scramLogin(randomOf('Y2xpZW50'), sha256, user).start('host');
    exchange.next(null);
    return { next: (text) => exchange.next(Buffer.from(text)) as Buffer | null };
  };

  test('bounds the iterations of a hostile server both ways', () => {
    for (const iterations of [0, 1, 4095, 131_073, 2 ** 31, 9_999_999_999]) {
      refused(() => begun().next(`r=Y2xpZW50x,s=c2FsdA==,i=${iterations}`), /iterations/);
    }
    assert.ok(begun().next('r=Y2xpZW50x,s=c2FsdA==,i=4096'));
  });

  test('takes a nonce that goes on from its own, and no other', () => {
    for (const nonce of ['Y2xpZW50', 'other', 'xY2xpZW50', 'y2xpZW50x']) {
      refused(() => begun().next(`r=${nonce},s=c2FsdA==,i=4096`), /nonce/);
    }
  });

  test('believes no server that cannot prove that it knows the user', () => {
    for (const final of ['v=AAAA', 'v=', '', 'x', `v=${Buffer.alloc(32).toString('base64')}`]) {
      const exchange = begun();
      exchange.next('r=Y2xpZW50x,s=c2FsdA==,i=4096');
      refused(() => exchange.next(final));
    }
    const exchange = begun();
    exchange.next('r=Y2xpZW50x,s=c2FsdA==,i=4096');
    refused(() => exchange.next('e=other-error'), /other-error/);
  });
});

describe('a delegation token', () => {
  const all = new Map<string, DelegationToken>();
  let nowMs = 1000;
  const tokens = new TokenLogins({
    secretKey: 'key',
    tokenOf: (id) => all.get(id),
    now: () => nowMs,
  });
  const give = (tokenId: string, change: Partial<DelegationToken> = {}): void => {
    all.set(tokenId, {
      ...{ tokenId, owner: 'User:alice', requester: 'User:bob', renewers: [] },
      ...{ issueTimestamp: 0, maxTimestamp: 9000, expirationTimestamp: 5000, ...change },
    });
  };
  const secretOf = (tokenId: string): string => tokenHmac('key', tokenId).toString('base64');
  const users = { alice: credential(sha256, 'secret') };
  const login = (
    username: string,
    password: string,
    extensions = 'tokenauth=true',
    mechanism = sha256,
  ): SaslStep => {
    const peer = server(users, { tokens, mechanism });
    const user = { username, password, extensions };
    const client = scramLogin(randomOf('Y2xpZW50'), mechanism, user).start('host');
    const final = client.next(peer.next(client.next(null) as Buffer).token) as Buffer;
    const step = peer.next(final);
    client.next(step.token);
    return step;
  };

  test('makes its holder its owner until it ends, by both mechanisms', () => {
    give('t1');
    for (const mechanism of [sha256, sha512, sha256]) {
      const { identity } = login('t1', secretOf('t1'), 'tokenauth=TRUE', mechanism);
      assert.deepEqual(identity?.principal, { type: 'User', name: 'alice', isByToken: true });
      assert.equal(identity?.expiresAtMs, 5000);
      assert.equal(identity?.isOver?.(), false);
    }
  });

  test('keeps the type of its owner: one of a group is no user', () => {
    give('t2', { owner: 'Group:admin' });
    assert.equal(login('t2', secretOf('t2')).identity?.principal.type, 'Group');
  });

  test('that is over, gone, unknown or guessed is refused in the same words', () => {
    give('t1');
    give('old', { expirationTimestamp: 999 });
    const wrong: [string, string][] = [
      ['t1', secretOf('t2')],
      ['t1', 'secret'],
      ['old', secretOf('old')],
      ['none', secretOf('none')],
      ['alice', 'secret'],
    ];
    for (const [id, password] of wrong) {
      refused(() => login(id, password), /^Invalid client credentials$/);
    }
    refused(() => login('t1', secretOf('t1'), 'tokenauth=false'), /^Invalid client credentials$/);
    refused(() => login('t1', secretOf('t1'), 'x=y'), /^Invalid client credentials$/);
  });

  test('that is known is answered with the salt that it had before it was', () => {
    const salt = (id: string, given: TokenLogins | null): string => {
      const peer = server(users, { tokens: given });
      const text = peer.next(`n,,n=${id},r=abc,tokenauth=true`).token.toString();
      return /s=([^,]*),i=4096$/.exec(text)?.[1] ?? '';
    };
    const before = salt('t3', tokens);
    give('t3');
    assert.equal(salt('t3', tokens), before);
    assert.equal(salt('t3', null), before);
    all.delete('t3');
    assert.equal(salt('t3', tokens), before);
    assert.notEqual(salt('t4', tokens), before);
  });

  test('ends a session when it is taken away, or ended earlier', () => {
    give('t5');
    const { identity } = login('t5', secretOf('t5'));
    give('t5', { expirationTimestamp: 6000 });
    assert.equal(identity?.isOver?.(), false);
    give('t5', { expirationTimestamp: 1000 });
    assert.equal(identity?.isOver?.(), false);
    nowMs += 1;
    assert.equal(identity?.isOver?.(), true);
    give('t5');
    assert.equal(identity?.isOver?.(), false);
    all.delete('t5');
    assert.equal(identity?.isOver?.(), true);
  });
});

test('the first message of KIP-48 has its extension', () => {
  const { extensions, user } = parseClientFirst(Buffer.from('n,,n=t,r=x,tokenauth=true'));
  assert.equal(extensions.get('tokenauth'), 'true');
  assert.equal(user, 't');
});
