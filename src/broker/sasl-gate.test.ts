// What the gate in front of a SASL listener does with exchanges that hold something, and with those
// that end without a token.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../io/index.ts';
import { encodeRequest, saslAuthenticate, saslHandshake } from '../protocol/index.ts';
import { anonymous, userPrincipal } from '../security/index.ts';
import { SaslError, type ServerMechanism } from '../security/sasl/index.ts';
import type { Client } from './client.ts';
import { SaslGate } from './sasl-gate.ts';

const clock = { now: () => 0, monotonic: () => 0, after: () => ({ cancel: () => {} }) };

function newGate(mechanism: ServerMechanism, whenGone: (() => void)[]): SaslGate {
  const connection = {
    ...{ isClosed: false, limitFrames: () => {}, mute: () => {}, drain: () => {} },
    close: () => {},
  };
  const client = {
    ...{ connection, principal: anonymous, softwareName: null, gate: null },
    whenGone: (run: () => void) => whenGone.push(run),
  };
  return new SaslGate(client as unknown as Client, {
    clock: clock as unknown as Clock,
    mechanisms: () => new Map([['GSSAPI', mechanism]]),
    failureDelayMs: () => 0,
    frameBytesMax: 1000,
    isSaslError: (error) => error instanceof SaslError,
    onAuthenticated: () => {},
    onFailure: () => {},
    onBug: (error) => assert.fail(error),
  });
}

test('an exchange that its client leaves, or that fails, is given back', () => {
  let held = 0;
  const newServer: ServerMechanism['newServer'] = () => {
    let isHeld = true;
    held++;
    return {
      next: (token) => {
        if (token.toString() === 'wrong') throw new SaslError('wrong');
        return { token, identity: null };
      },
      release: () => {
        if (isHeld) held--;
        isHeld = false;
      },
    };
  };
  const mechanism = { name: 'GSSAPI', reauthMsMax: 0, newServer };
  for (const tokens of [[], ['one'], ['one', 'wrong']]) {
    const whenGone: (() => void)[] = [];
    const gate = newGate(mechanism, whenGone);
    const header = { correlationId: 1, clientId: null };
    const exchange = { respond: () => {}, skip: () => {} };
    const send = (chunks: readonly Buffer[]): void => {
      assert.ok(gate.takes(Buffer.concat(chunks).subarray(4), exchange as never));
    };
    send(encodeRequest(saslHandshake, 1, header, { mechanism: 'GSSAPI' }));
    for (const token of tokens) {
      const authBytes = Buffer.from(token);
      send(encodeRequest(saslAuthenticate, 2, header, { authBytes }));
    }
    assert.equal(held, 1);
    for (const run of whenGone) run();
    assert.equal(held, 0);
  }
});

test('the end of an exchange without a token is no empty one, where tokens come bare', () => {
  const said = (isWithoutToken: boolean): string[] => {
    const identity = { principal: userPrincipal('alice'), expiresAtMs: null };
    const step = { token: Buffer.alloc(0), identity };
    const mechanism = {
      ...{ name: 'GSSAPI', reauthMsMax: 0 },
      newServer: () => ({ next: () => ({ ...step, isWithoutToken }) }),
    };
    const answers: string[] = [];
    const exchange = {
      respond: (chunks: readonly Buffer[]) => answers.push(Buffer.concat(chunks).toString('hex')),
      skip: () => answers.push('nothing'),
    };
    const gate = newGate(mechanism, []);
    const header = { correlationId: 1, clientId: null };
    const handshake = encodeRequest(saslHandshake, 0, header, { mechanism: 'GSSAPI' });
    gate.takes(Buffer.concat(handshake).subarray(4), exchange as never);
    gate.takes(Buffer.from('token'), exchange as never);
    return answers.slice(1);
  };
  assert.deepEqual(said(true), ['nothing']);
  assert.deepEqual(said(false), ['00000000']);
});
