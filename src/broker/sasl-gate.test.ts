// What the gate in front of a SASL listener does with exchanges that hold something.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../io/index.ts';
import { encodeRequest, saslAuthenticate, saslHandshake } from '../protocol/index.ts';
import { anonymous } from '../security/index.ts';
import { SaslError, type ServerMechanism } from '../security/sasl/index.ts';
import type { Client } from './client.ts';
import { SaslGate } from './sasl-gate.ts';

const clock = { now: () => 0, monotonic: () => 0, after: () => ({ cancel: () => {} }) };

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
    const connection = {
      ...{ isClosed: false, limitFrames: () => {}, mute: () => {}, drain: () => {} },
      close: () => {},
    };
    const client = {
      ...{ connection, principal: anonymous, softwareName: null, gate: null },
      whenGone: (run: () => void) => whenGone.push(run),
    };
    const gate = new SaslGate(client as unknown as Client, {
      clock: clock as unknown as Clock,
      mechanisms: () => new Map([['GSSAPI', mechanism]]),
      failureDelayMs: () => 0,
      frameBytesMax: 1000,
      isSaslError: (error) => error instanceof SaslError,
      onAuthenticated: () => assert.fail('nobody is'),
      onFailure: () => {},
      onBug: (error) => assert.fail(error),
    });
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
