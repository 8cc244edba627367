// Delegation tokens on a broker: who is given one, who may log in with one, and how long.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { startBroker } from '../../tests/doubles/broker/brokers.ts';
import '../../tests/doubles/broker/loaded-handlers.ts';
import { TestCluster } from '../../tests/doubles/broker/members.ts';
import { type SaslPeer, saslPeer } from '../../tests/doubles/broker/sasl-peer.ts';
import type { Io } from '../io/index.ts';
import {
  createDelegationToken,
  describeConfigs,
  describeDelegationToken,
  ErrorCode,
  errorName,
  expireDelegationToken,
  metadata,
  renewDelegationToken,
  saslAuthenticate,
  saslHandshake,
} from '../protocol/index.ts';

const module = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const jaas = `${module} required user_a="a" user_b="b";`;
const config = {
  listeners: 'SASL_PLAINTEXT://0.0.0.0:9092,PLAINTEXT://0.0.0.0:9093',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
  'listener.name.sasl_plaintext.plain.sasl.jaas.config': jaas,
  'delegation.token.secret.key': 'planted-secret',
  'delegation.token.expiry.time.ms': '60000',
  'delegation.token.expiry.check.interval.ms': '600000',
};

interface At {
  readonly io: Io;
  /** Logged in by PLAIN. */
  readonly user: (name: string) => Promise<SaslPeer>;
  readonly nobody: (port?: number) => Promise<SaslPeer>;
}

function withTokens(
  run: (at: At) => Promise<void>,
  changes: Readonly<Record<string, string>> = {},
): Promise<void> {
  return simulate(async (io) => {
    const broker = await startBroker(io, { ...config, ...changes });
    const nobody = (port = 9092): Promise<SaslPeer> => saslPeer(io, port);
    const user = async (name: string): Promise<SaslPeer> => loginByPlain(await nobody(), name);
    await run({ io, user, nobody });
    await broker.stop();
  });
}

async function loginByPlain(peer: SaslPeer, name: string): Promise<SaslPeer> {
  await peer.ask(saslHandshake, 1, { mechanism: 'PLAIN' });
  const authBytes = Buffer.from(`\0${name}\0${name}`);
  const { errorCode } = await peer.ask(saslAuthenticate, 2, { authBytes });
  assert.equal(errorCode, 0);
  return peer;
}

const forOwner = { ownerPrincipalType: null, ownerPrincipalName: null };

async function tokenOf(peer: SaslPeer, renewers: readonly string[] = []) {
  const answer = await peer.ask(createDelegationToken, 3, {
    ...forOwner,
    renewers: renewers.map((principalName) => ({ principalType: 'User', principalName })),
    maxLifetimeMs: -1,
  });
  assert.equal(errorName(answer.errorCode), 'NONE');
  return { ...answer, password: answer.hmac.toString('base64') };
}

const isServed = async (peer: SaslPeer): Promise<boolean> =>
  (await peer.ask(metadata, 9, { topics: [] })).brokers.length > 0;

const scramRefusal =
  'Authentication failed during authentication due to invalid credentials ' +
  'with SASL mechanism SCRAM-SHA-256';

test('whoever holds a token is its owner, and gets no further one', async () => {
  await withTokens(async ({ user, nobody }) => {
    const token = await tokenOf(await user('a'), ['b']);
    assert.deepEqual([token.principalType, token.principalName], ['User', 'a']);
    const holder = await nobody();
    assert.equal(await holder.scram(token.tokenId, token.password, { isToken: true }), null);
    assert.ok(await isServed(holder));
    const { DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: notAllowed } = ErrorCode;
    const asked = { ...forOwner, renewers: [], maxLifetimeMs: -1 };
    const made = await holder.ask(createDelegationToken, 3, asked);
    assert.deepEqual([made.errorCode, made.issueTimestampMs], [notAllowed, -1]);
    const { hmac } = token;
    const renewed = await holder.ask(renewDelegationToken, 2, { hmac, renewPeriodMs: -1 });
    assert.deepEqual(renewed, { errorCode: notAllowed, expiryTimestampMs: -1, throttleTimeMs: 0 });
    const expired = await holder.ask(expireDelegationToken, 2, { hmac, expiryTimePeriodMs: -1 });
    assert.equal(expired.errorCode, notAllowed);
    const described = await holder.ask(describeDelegationToken, 3, { owners: null });
    assert.deepEqual([described.errorCode, described.tokens], [notAllowed, []]);
  });
});

test('a listener that asks nobody who they are gives no tokens', async () => {
  await withTokens(async ({ nobody }) => {
    const peer = await nobody(9093);
    const asked = { ...forOwner, renewers: [], maxLifetimeMs: -1 };
    const { errorCode } = await peer.ask(createDelegationToken, 3, asked);
    assert.equal(errorName(errorCode), 'DELEGATION_TOKEN_REQUEST_NOT_ALLOWED');
  });
});

test('the id of a token is no name of a user, and its secret is needed whole', async () => {
  await withTokens(async ({ user, nobody }) => {
    const { tokenId, password } = await tokenOf(await user('a'));
    const refusals = await Promise.all([
      (await nobody()).scram(tokenId, password),
      (await nobody()).scram(tokenId, password.slice(0, -1), { isToken: true }),
      (await nobody()).scram('a', password, { isToken: true }),
      (await nobody()).scram('none', password, { isToken: true }),
    ]);
    assert.deepEqual(new Set(refusals), new Set([scramRefusal]));
  });
});

describe('a session of a token', () => {
  test('ends with the token', async () => {
    await withTokens(async ({ io, user, nobody }) => {
      const { tokenId, password } = await tokenOf(await user('a'));
      await io.clock.sleep(20_000);
      const holder = await nobody();
      assert.equal(await holder.scram(tokenId, password, { isToken: true }), null);
      await io.clock.sleep(39_000);
      assert.ok(await isServed(holder));
      await io.clock.sleep(2_000);
      const beganMs = io.clock.monotonic();
      holder.send(metadata, 9, { topics: [] });
      await holder.closed;
      assert.ok(io.clock.monotonic() - beganMs < 1000, 'before it is idle for long');
      assert.equal(
        await (await nobody()).scram(tokenId, password, { isToken: true }),
        scramRefusal,
      );
    });
  });

  test('ends when the token is taken away', async () => {
    await withTokens(async ({ io, user, nobody }) => {
      const owner = await user('a');
      const { tokenId, password, hmac } = await tokenOf(owner);
      const holder = await nobody();
      await holder.scram(tokenId, password, { isToken: true });
      assert.ok(await isServed(holder));
      await owner.ask(expireDelegationToken, 2, { hmac, expiryTimePeriodMs: -1 });
      const beganMs = io.clock.monotonic();
      holder.send(metadata, 9, { topics: [] });
      await holder.closed;
      assert.ok(io.clock.monotonic() - beganMs < 1000, 'before it is idle for long');
      assert.equal(holder.frames.length, 0);
      assert.equal(
        await (await nobody()).scram(tokenId, password, { isToken: true }),
        scramRefusal,
      );
    });
  });

  test('is gone on with when the token was renewed', async () => {
    await withTokens(async ({ io, user, nobody }) => {
      const { tokenId, password, hmac } = await tokenOf(await user('a'), ['b']);
      const holder = await nobody();
      await holder.scram(tokenId, password, { isToken: true });
      await io.clock.sleep(50_000);
      const renewed = await (await user('b')).ask(renewDelegationToken, 2, {
        ...{ hmac, renewPeriodMs: -1 },
      });
      assert.equal(renewed.errorCode, 0);
      assert.equal(await holder.scram(tokenId, password, { isToken: true }), null);
      await io.clock.sleep(50_000);
      assert.ok(await isServed(holder));
    });
  });
});

test('tokens are told to those whose they are', async () => {
  await withTokens(async ({ user }) => {
    const [a, b] = [await user('a'), await user('b')];
    const token = await tokenOf(a, ['b']);
    const seen = async (peer: SaslPeer, owners: readonly string[] | null): Promise<string[]> => {
      const asked = owners?.map((principalName) => ({ principalType: 'User', principalName }));
      const { tokens } = await peer.ask(describeDelegationToken, 3, { owners: asked ?? null });
      for (const each of tokens) assert.deepEqual(each.hmac, token.hmac);
      return tokens.map(({ tokenId }) => tokenId);
    };
    assert.deepEqual(await seen(a, null), [token.tokenId]);
    assert.deepEqual(await seen(b, ['a']), [token.tokenId]);
    assert.deepEqual(await seen(b, ['c']), []);
    assert.deepEqual(await seen(a, []), []);
  });
});

test('the secret key is told to nobody', async () => {
  await withTokens(async ({ user }) => {
    const peer = await user('a');
    const { results } = await peer.ask(describeConfigs, 4, {
      resources: [{ resourceType: 4, resourceName: '1', configurationKeys: null }],
      includeSynonyms: true,
    });
    const configs = results[0]?.configs ?? [];
    const key = configs.find(({ name }) => name === 'delegation.token.secret.key');
    assert.deepEqual([key?.value, key?.isSensitive], [null, true]);
    assert.ok(!JSON.stringify(results).includes('planted-secret'));
  });
});

test('without a secret key there are no tokens; its old name does as well', async () => {
  const name = async ({ user }: At): Promise<string> => {
    const peer = await user('a');
    const { errorCode } = await peer.ask(describeDelegationToken, 3, { owners: null });
    return errorName(errorCode);
  };
  const none = { 'delegation.token.secret.key': '' };
  await withTokens(async (at) => {
    assert.equal(await name(at), 'DELEGATION_TOKEN_AUTH_DISABLED');
  }, none);
  const { 'delegation.token.secret.key': secret, ...others } = config;
  await simulate(async (io) => {
    const broker = await startBroker(io, { ...others, 'delegation.token.master.key': secret });
    const peer = await saslPeer(io, 9092);
    await tokenOf(await loginByPlain(peer, 'a'));
    await broker.stop();
  });
});

test('a token of one broker counts on all, and each may prolong or end it', async () => {
  await simulate(async (io) => {
    const cluster = await TestCluster.open(io);
    const prefix = 'listener.name.sasl_plaintext.plain';
    const own = 'username="x" password="x" user_x="x"';
    const ofBrokers = jaas.replace('user_a', `${own} user_a`);
    for (const nodeId of [1, 2, 3]) {
      await cluster.start(nodeId, {
        ...config,
        listeners: `SASL_PLAINTEXT://host:${TestCluster.portOf(nodeId)}`,
        'security.inter.broker.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        [`${prefix}.sasl.jaas.config`]: ofBrokers,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:x',
      });
    }
    const at = (nodeId: number): Promise<SaslPeer> => saslPeer(io, TestCluster.portOf(nodeId));
    const [a, b] = [await loginByPlain(await at(2), 'a'), await loginByPlain(await at(3), 'b')];
    const { tokenId, password, hmac, issueTimestampMs } = await tokenOf(a, ['b']);
    await io.clock.sleep(1000);
    const holder = await at(3);
    assert.equal(await holder.scram(tokenId, password, { isToken: true }), null);
    assert.ok(await isServed(holder));
    const renewed = await b.ask(renewDelegationToken, 2, { hmac, renewPeriodMs: 30_000 });
    assert.equal(errorName(renewed.errorCode), 'NONE');
    assert.ok(renewed.expiryTimestampMs > issueTimestampMs + 30_000);
    const forB = { ...forOwner, ownerPrincipalType: 'User', ownerPrincipalName: 'b' };
    const refused = await a.ask(createDelegationToken, 3, {
      ...{ ...forB, renewers: [], maxLifetimeMs: -1 },
    });
    assert.equal(errorName(refused.errorCode), 'DELEGATION_TOKEN_AUTHORIZATION_FAILED');
    await a.ask(expireDelegationToken, 2, { hmac, expiryTimePeriodMs: -1 });
    await io.clock.sleep(1000);
    const beganMs = io.clock.monotonic();
    holder.send(metadata, 9, { topics: [] });
    await holder.closed;
    assert.ok(io.clock.monotonic() - beganMs < 1000);
    assert.deepEqual(cluster.failures, []);
    await cluster.stop();
  });
});
