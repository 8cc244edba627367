// Authentication on a SASL listener, frame by frame: what is answered, what is refused and when,
// and that nobody is served before it.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { startBroker } from '../../tests/doubles/broker/brokers.ts';
import { type SaslPeer, saslPeer } from '../../tests/doubles/broker/sasl-peer.ts';
import type { Io } from '../io/index.ts';
import { ClientConnection } from '../network/index.ts';
import {
  alterUserScramCredentials,
  apiVersions,
  describeConfigs,
  ErrorCode,
  incrementalAlterConfigs,
  metadata,
  saslAuthenticate,
  saslHandshake,
} from '../protocol/index.ts';
import { type ScramMechanism, saltedPassword, scramMechanism } from '../security/sasl/index.ts';
import type { Broker } from './broker.ts';

const plainKey = 'listener.name.sasl_plaintext.plain.sasl.jaas.config';
const module = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const config = {
  listeners: 'SASL_PLAINTEXT://0.0.0.0:9092,PLAINTEXT://0.0.0.0:9093',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
  [plainKey]: `${module} required user_alice="secret" user_bob="builder";`,
};

interface At {
  readonly io: Io;
  readonly broker: Broker;
  readonly peer: (port?: number) => Promise<SaslPeer>;
}

function withSasl(
  run: (at: At) => Promise<void>,
  changes: Readonly<Record<string, string>> = {},
): Promise<void> {
  return simulate(async (io) => {
    const broker = await startBroker(io, { ...config, ...changes });
    await run({ io, broker, peer: (port = 9092) => saslPeer(io, port) });
    await broker.stop();
  });
}

const plain = (user: string, password: string): Buffer => Buffer.from(`\0${user}\0${password}`);

async function login(peer: SaslPeer, user = 'alice', password = 'secret') {
  const { errorCode } = await peer.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
  assert.equal(errorCode, 0);
  return peer.ask(saslAuthenticate, 2, { authBytes: plain(user, password) });
}

const isServed = async (peer: SaslPeer): Promise<boolean> =>
  (await peer.ask(metadata, 9, { topics: [] })).brokers.length > 0;

test('a user with its password is served', async () => {
  await withSasl(async ({ peer }) => {
    const alice = await peer();
    const { apiKeys } = await alice.ask(apiVersions, 4, {
      clientSoftwareName: 'a',
      clientSoftwareVersion: '1',
    });
    assert.ok(apiKeys.some(({ apiKey }) => apiKey === saslHandshake.key));
    const answer = await login(alice);
    assert.deepEqual(
      { ...answer, authBytes: answer.authBytes.length },
      { errorCode: 0, errorMessage: '', authBytes: 0, sessionLifetimeMs: 0 },
    );
    assert.ok(await isServed(alice));
    const { errorCode } = await alice.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    assert.equal(errorCode, ErrorCode.ILLEGAL_SASL_STATE);
    const again = await alice.ask(saslAuthenticate, 2, { authBytes: plain('bob', 'builder') });
    assert.equal(again.errorCode, ErrorCode.ILLEGAL_SASL_STATE);
    assert.ok(await isServed(alice));
  });
});

test('a wrong password is told after a while, and the connection ends', async () => {
  await withSasl(async ({ io, peer }) => {
    for (const [user, password] of [
      ['alice', 'wrong'],
      ['mallory', 'secret'],
    ] as const) {
      const one = await peer();
      const beganMs = io.clock.monotonic();
      const answer = await login(one, user, password);
      assert.equal(answer.errorCode, ErrorCode.SASL_AUTHENTICATION_FAILED);
      assert.equal(answer.errorMessage, 'Authentication failed: Invalid username or password');
      assert.ok(io.clock.monotonic() - beganMs >= 100, 'connection.failed.authentication.delay.ms');
      await one.closed;
    }
  });
});

test('a mechanism that is not enabled is refused with those that are', async () => {
  await withSasl(async ({ peer }) => {
    for (const mechanism of ['SCRAM-SHA-512', 'GSSAPI', 'plain', '', 'x'.repeat(1000)]) {
      const one = await peer();
      const answer = await one.ask(saslHandshake, 1, { mechanism });
      const { UNSUPPORTED_SASL_MECHANISM: errorCode } = ErrorCode;
      assert.deepEqual(answer, { errorCode, mechanisms: ['PLAIN', 'SCRAM-SHA-256'] });
      await one.closed;
    }
  });
});

test('a mechanism of another listener is refused, and its users are nobody here', async () => {
  const other = {
    listeners: 'SASL_PLAINTEXT://0.0.0.0:9092,OTHER://0.0.0.0:9093',
    'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,OTHER:SASL_PLAINTEXT',
    'listener.name.other.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.other.plain.sasl.jaas.config': `${module} required user_carol="secret";`,
  };
  await withSasl(async ({ peer }) => {
    const one = await peer(9093);
    const { mechanisms } = await one.ask(saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
    assert.deepEqual(mechanisms, ['PLAIN']);
    await one.closed;
    for (const [port, user, isKnown] of [
      [9092, 'alice', true],
      [9093, 'alice', false],
      [9092, 'carol', false],
      [9093, 'carol', true],
    ] as const) {
      const { errorCode } = await login(await peer(port), user);
      assert.equal(errorCode === 0, isKnown, `${user} at ${port}`);
    }
  }, other);
});

describe('before a client has authenticated', () => {
  test('a request ends the connection and is not served', async () => {
    await withSasl(async ({ peer }) => {
      const one = await peer();
      one.send(metadata, 9, { topics: [] });
      await one.closed;
      assert.equal(one.frames.length, 0);
    });
  });

  test('a request between handshake and token is answered with ILLEGAL_SASL_STATE', async () => {
    await withSasl(async ({ peer }) => {
      const one = await peer();
      await one.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
      const answer = await one.ask(metadata, 13, { topics: [{ name: 't' }] });
      assert.equal(answer.brokers.length, 0);
      assert.equal(answer.errorCode, ErrorCode.ILLEGAL_SASL_STATE);
      await one.closed;
    });
  });

  test('what is pipelined behind a failure is not served', async () => {
    await withSasl(async ({ peer }) => {
      const one = await peer();
      one.send(saslHandshake, 1, { mechanism: 'PLAIN' });
      one.send(saslAuthenticate, 2, { authBytes: plain('alice', 'wrong') });
      one.send(metadata, 9, { topics: [] });
      one.send(saslAuthenticate, 2, { authBytes: plain('alice', 'secret') });
      await one.closed;
      assert.equal(one.frames.length, 2);
    });
  });

  test('a second handshake, a token without one, and ApiVersions twice end it', async () => {
    await withSasl(async ({ peer }) => {
      const software = { clientSoftwareName: 'a', clientSoftwareVersion: '1' };
      const twice = await peer();
      await twice.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
      const { errorCode } = await twice.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
      assert.equal(errorCode, ErrorCode.ILLEGAL_SASL_STATE);
      await twice.closed;
      const early = await peer();
      early.send(saslAuthenticate, 2, { authBytes: plain('alice', 'secret') });
      await early.closed;
      assert.equal(early.frames.length, 0);
      const versions = await peer();
      await versions.ask(apiVersions, 4, software);
      versions.send(apiVersions, 4, software);
      await versions.closed;
      assert.equal(versions.frames.length, 0);
      const unnamed = await peer();
      const none = { clientSoftwareName: '', clientSoftwareVersion: '' };
      const refused = await unnamed.ask(apiVersions, 4, none);
      assert.equal(refused.errorCode, ErrorCode.INVALID_REQUEST);
      assert.equal((await unnamed.ask(apiVersions, 4, software)).errorCode, 0);
      assert.equal((await login(unnamed)).errorCode, 0);
    });
  });

  test('a large frame, silence and garbage end it', async () => {
    await withSasl(async ({ io, peer }) => {
      const large = await peer();
      const size = Buffer.alloc(4);
      size.writeInt32BE(524_289);
      large.write(size);
      await large.closed;
      const silent = await peer();
      const beganMs = io.clock.monotonic();
      await silent.closed;
      assert.ok(io.clock.monotonic() - beganMs < 31_000);
      for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x08\xff\xff\xff\xff\0\0\0\0']) {
        const garbage = await peer();
        garbage.write(Buffer.from(bytes, 'latin1'));
        await garbage.closed;
        assert.equal(garbage.frames.length, 0);
      }
    });
  });

  test('an address has a bounded number of connections', async () => {
    await withSasl(async ({ peer }) => {
      const served = await peer();
      await login(served);
      const waiting = await Promise.all(Array.from({ length: 1024 }, () => peer()));
      const more = await peer();
      await more.closed;
      assert.ok(await isServed(served));
      await login(waiting[0] as SaslPeer);
      await login(await peer());
      for (const each of waiting) each.close();
    });
  });

  test('they have a bounded number of bytes held together', async () => {
    await withSasl(async ({ io, peer }) => {
      const size = Buffer.alloc(4);
      size.writeInt32BE(500_000);
      const most = Buffer.alloc(450_000);
      const greedy = await Promise.all(Array.from({ length: 200 }, () => peer()));
      let closed = 0;
      for (const each of greedy) {
        void each.closed.then(() => closed++);
        each.write(size);
        each.write(most);
      }
      await io.clock.sleep(1000);
      assert.equal(closed, 200 - Math.floor((64 * 1024 * 1024) / 450_004));
      assert.equal((await login(await peer())).errorCode, 0);
      for (const each of greedy) each.close();
    });
  });
});

test('tokens without headers follow a handshake of version 0', async () => {
  await withSasl(async ({ peer }) => {
    const old = await peer();
    await old.ask(saslHandshake, 0, { mechanism: 'PLAIN' });
    assert.deepEqual(await old.raw(plain('alice', 'secret')), Buffer.alloc(0));
    assert.ok(await isServed(old));
    const wrong = await peer();
    await wrong.ask(saslHandshake, 0, { mechanism: 'PLAIN' });
    wrong.write(Buffer.concat([Buffer.from([0, 0, 0, 6]), plain('a', 'b'), Buffer.from('cc')]));
    await wrong.closed;
    assert.equal(wrong.frames.length, 0);
    const empty = await peer();
    await empty.ask(saslHandshake, 0, { mechanism: 'SCRAM-SHA-256' });
    empty.write(Buffer.alloc(4));
    await empty.closed;
    const more = await peer();
    await more.ask(saslHandshake, 0, { mechanism: 'SCRAM-SHA-256' });
    more.write(Buffer.alloc(9));
    await more.closed;
  });
});

test('on a listener that asks nobody a handshake is out of place', async () => {
  await withSasl(async ({ peer }) => {
    const one = await peer(9093);
    const { errorCode, mechanisms } = await one.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    assert.deepEqual([errorCode, mechanisms], [ErrorCode.ILLEGAL_SASL_STATE, []]);
    const answer = await one.ask(saslAuthenticate, 2, { authBytes: plain('alice', 'secret') });
    assert.equal(answer.errorCode, ErrorCode.ILLEGAL_SASL_STATE);
    assert.ok(await isServed(one));
  });
});

describe('a session that ends', () => {
  const ending = { 'connections.max.reauth.ms': '10000' };

  test('is told, gone on with by the same user, and over otherwise', async () => {
    await withSasl(async ({ io, peer }) => {
      const alice = await peer();
      assert.equal((await login(alice)).sessionLifetimeMs, 10_000);
      for (let n = 0; n < 3; n++) {
        await io.clock.sleep(8_000);
        assert.equal((await login(alice)).sessionLifetimeMs, 10_000);
        assert.ok(await isServed(alice));
      }
      await io.clock.sleep(10_001);
      alice.send(metadata, 9, { topics: [] });
      await alice.closed;
    }, ending);
  });

  test('may still be gone on with when it is over, before anything else is asked', async () => {
    await withSasl(async ({ io, peer }) => {
      const alice = await peer();
      await login(alice);
      await io.clock.sleep(15_000);
      await login(alice);
      assert.ok(await isServed(alice));
    }, ending);
  });

  test('is not gone on with as somebody else, nor by another mechanism', async () => {
    await withSasl(async ({ io, peer }) => {
      const alice = await peer();
      await login(alice);
      await io.clock.sleep(2_000);
      const other = await login(alice, 'bob', 'builder');
      assert.equal(other.errorCode, ErrorCode.SASL_AUTHENTICATION_FAILED);
      assert.match(
        other.errorMessage ?? '',
        /^Cannot change principals during re-auth.*User\.bob$/,
      );
      await alice.closed;
      const again = await peer();
      await login(again);
      await io.clock.sleep(2_000);
      await again.ask(saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
      const answer = await again.ask(saslAuthenticate, 2, { authBytes: Buffer.from('n,,n=a,r=b') });
      assert.equal(
        answer.errorMessage,
        "SASL mechanism 'SCRAM-SHA-256' requested by client is not supported " +
          "for re-authentication of mechanism 'PLAIN'",
      );
      await again.closed;
    }, ending);
  });

  test('has tokens of a bounded size when it is gone on with, too', async () => {
    await withSasl(async ({ peer }) => {
      for (const bytes of [200_000, 20_000_000]) {
        const alice = await peer();
        await login(alice);
        await alice.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
        alice.send(saslAuthenticate, 2, { authBytes: Buffer.alloc(bytes) });
        await alice.closed;
      }
      assert.equal((await login(await peer())).errorCode, 0);
    }, ending);
  });

  test('serves nothing between a new handshake and its end', async () => {
    await withSasl(async ({ io, peer }) => {
      const alice = await peer();
      await login(alice);
      await io.clock.sleep(2_000);
      await alice.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
      const answer = await alice.ask(metadata, 13, { topics: [] });
      assert.equal(answer.errorCode, ErrorCode.ILLEGAL_SASL_STATE);
      await alice.closed;
    }, ending);
  });

  test('is not gone on with more often than once a second', async () => {
    await withSasl(async ({ io, peer }) => {
      const alice = await peer();
      await login(alice);
      await io.clock.sleep(1_000);
      await login(alice);
      const { errorCode } = await alice.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
      assert.equal(errorCode, ErrorCode.ILLEGAL_SASL_STATE);
      assert.ok(await isServed(alice));
    }, ending);
  });
});

test('users of SCRAM come and go on the running broker', async () => {
  await withSasl(async ({ io, peer }) => {
    const admin = await ClientConnection.connect(io, { host: 'host', port: 9093, clientId: null });
    const mechanism = scramMechanism('SCRAM-SHA-256') as ScramMechanism;
    const salt = Buffer.from('0123456789abcdef');
    const salted = saltedPassword(mechanism, 'pencil', { salt, iterations: 4096 });
    const upsertion = {
      name: 'carol',
      mechanism: 1,
      iterations: 4096,
      salt,
      saltedPassword: salted,
    };
    await admin.request(alterUserScramCredentials, { deletions: [], upsertions: [upsertion] });
    const carol = await peer();
    assert.equal(await carol.scram('carol', 'pencil'), null);
    assert.ok(await isServed(carol));
    const old = await peer();
    assert.equal(await old.scram('carol', 'pencil', { isRaw: true }), null);
    assert.ok(await isServed(old));
    const failed =
      'Authentication failed during authentication due to invalid credentials ' +
      'with SASL mechanism SCRAM-SHA-256';
    assert.equal(await (await peer()).scram('carol', 'wrong'), failed);
    assert.equal(await (await peer()).scram('nobody', 'pencil'), failed);
    const deletions = [{ name: 'carol', mechanism: 1 }];
    await admin.request(alterUserScramCredentials, { deletions, upsertions: [] });
    assert.equal(await (await peer()).scram('carol', 'pencil'), failed);
    assert.ok(await isServed(carol), 'as in Kafka a session stays');
    admin.close();
  });
});

test('salts of users that there are not are made from what only brokers know', async () => {
  const saltOf = async (at: At): Promise<string> => {
    const one = await at.peer();
    await one.ask(saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
    const authBytes = Buffer.from('n,,n=nobody,r=abc');
    const answer = await one.ask(saslAuthenticate, 2, { authBytes });
    return /s=([^,]+)/.exec(answer.authBytes.toString())?.[1] ?? '';
  };
  await withSasl(async (at) => {
    const salt = await saltOf(at);
    assert.equal(await saltOf(at), salt);
    const told = await at.peer();
    await login(told);
    const { clusterId } = await told.ask(metadata, 9, { topics: [] });
    const guess = createHmac('sha256', clusterId ?? '')
      .update('salt SCRAM-SHA-256 nobody')
      .digest();
    assert.notEqual(guess.subarray(0, 16).toString('base64'), salt);
    const asked = { includeSynonyms: true, includeDocumentation: false };
    const { results } = await told.ask(describeConfigs, 4, {
      resources: [{ resourceType: 0, resourceName: 'partita', configurationKeys: null }],
      ...asked,
    });
    assert.deepEqual(
      results.map(({ configs }) => configs),
      [[]],
    );
    assert.notEqual(results[0]?.errorCode, 0);
  });
});

test('a listener that could let nobody in refuses the start with what helps', async () => {
  const refused = (changes: Record<string, string>, message: RegExp): Promise<void> =>
    simulate(async (io) => {
      await assert.rejects(startBroker(io, { ...config, ...changes }), (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /secret|builder/);
        return error.name === 'BrokerError';
      });
    });
  await refused(
    { 'sasl.enabled.mechanisms': 'GSSAPI' },
    /GSSAPI needs .*Krb5Login.*: set listener/,
  );
  await refused(
    { 'sasl.enabled.mechanisms': 'PLAN' },
    /Invalid value PLAN for .*: expected GSSAPI, PLAIN/,
  );
  await refused({ 'sasl.enabled.mechanisms': 'OAUTHBEARER' }, /OAUTHBEARER needs .*: set listener/);
  await refused({ [plainKey]: 'a.B required user_a="secret";' }, /has a.B, and PLAIN needs org/);
  await refused({ [plainKey]: 'a.B required; user_a="secret";' }, /line 1: expected nothing more/);
  await refused({ [plainKey]: 'a.B required user_a="secret' }, /line 1: a quote is not closed/);
});

test('an altered configuration that lets nobody in is refused', async () => {
  await withSasl(async ({ io, peer }) => {
    const at = { host: 'host', port: 9093, clientId: null };
    const admin = await ClientConnection.connect(io, at);
    const alter = async (name: string, value: string): Promise<string | null> => {
      const configs = [{ name, value, configOperation: 0 }];
      const resources = [{ resourceType: 4, resourceName: '1', configs }];
      const body = { resources, validateOnly: false };
      const { responses } = await admin.request(incrementalAlterConfigs, body);
      return responses[0]?.errorMessage ?? null;
    };
    const listener = 'listener.name.sasl_plaintext';
    const enabled = `${listener}.sasl.enabled.mechanisms`;
    assert.match((await alter(enabled, 'PLAN')) ?? '', /Invalid value PLAN/);
    assert.match((await alter(enabled, 'PLAIN,GSSAPI')) ?? '', /GSSAPI needs the options of/);
    assert.match((await alter('sasl.enabled.mechanisms', 'GSSAPI')) ?? '', /GSSAPI needs/);
    assert.equal((await login(await peer())).errorCode, 0);
    assert.equal(await alter(enabled, 'SCRAM-SHA-256'), null);
    const { errorCode } = await (await peer()).ask(saslHandshake, 1, { mechanism: 'PLAIN' });
    assert.equal(errorCode, ErrorCode.UNSUPPORTED_SASL_MECHANISM);
    admin.close();
  });
});
