// Frames that nobody would send, to the gate in front of a SASL listener: mutations of an honest
// conversation, in any order. PARTITA_FUZZ_ROUNDS=50 makes a million of them.
//
// Nobody is let in who has not said the password, nothing is thrown, every frame that is taken
// leaves the connection answered, closed or waiting for the next one.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Prng } from '../base/prng.ts';
import type { Clock } from '../io/index.ts';
import {
  apiVersions,
  encodeRequest,
  KafkaError,
  metadata,
  saslAuthenticate,
  saslHandshake,
} from '../protocol/index.ts';
import { anonymous } from '../security/index.ts';
import {
  bearerServer,
  plainServer,
  SaslError,
  type ServerMechanism,
  scramMechanism,
  scramServer,
  TokenLogins,
  unsecuredCheckOf,
} from '../security/sasl/index.ts';
import type { Client } from './client.ts';
import { SaslGate } from './sasl-gate.ts';

const framesMax = 20_000 * Number(process.env.PARTITA_FUZZ_ROUNDS ?? 1);
const password = 'a password that no mutation makes';

const timer = { cancel: () => {} };
const clock = {
  now: () => 1_700_000_000_000,
  monotonic: () => 0,
  after: () => timer,
} as unknown as Clock;

function mechanisms(): ReadonlyMap<string, ServerMechanism> {
  const mechanism = scramMechanism('SCRAM-SHA-256');
  assert.ok(mechanism);
  const of = (name: string, newServer: ServerMechanism['newServer']): [string, ServerMechanism] => [
    name,
    { name, reauthMsMax: 0, newServer },
  ];
  const tokens = unsecuredCheckOf(clock, new Map([['unsecuredValidatorRequiredScope', password]]));
  const logins = new TokenLogins({ secretKey: 'x', tokenOf: () => undefined, now: () => 0 });
  const scram = { mechanism, tokens: logins, saltSecret: 'x', nonce: 'serverNonce' };
  return new Map([
    of('PLAIN', () => plainServer((user) => (user === 'alice' ? password : null))),
    of('SCRAM-SHA-256', () => scramServer({ ...scram, credentialOf: () => undefined })),
    of('OAUTHBEARER', () => bearerServer(tokens)),
  ]);
}

class Peer {
  isClosed = false;
  isServed = false;
  answers = 0;
  readonly gate: SaslGate;
  readonly client: Client;

  constructor(known: ReadonlyMap<string, ServerMechanism>) {
    const connection = {
      isClosed: false,
      limitFrames: () => {},
      mute: () => {},
      unmute: () => {},
      drain: () => {},
      close: () => {
        this.isClosed = true;
      },
    };
    this.client = {
      connection,
      principal: anonymous,
      softwareName: null,
      gate: null,
      whenGone: () => () => {},
    } as unknown as Client;
    this.gate = new SaslGate(this.client, {
      clock,
      mechanisms: () => known,
      failureDelayMs: () => 0,
      frameBytesMax: 524_288,
      isSaslError: (error) => error instanceof SaslError,
      onAuthenticated: () => {
        throw new Error('somebody was let in');
      },
      onFailure: () => {
        this.isClosed = true;
      },
      onBug: (error) => {
        throw error;
      },
    });
  }

  /** Returns the API of a request that would be served, if it is one. */
  send(frame: Buffer): number | null {
    const exchange = { respond: () => this.answers++, skip: () => {} };
    return this.gate.takes(frame, exchange as never) ? null : frame.readInt16BE(0);
  }
}

/** Without the size bytes. */
function frames(): Buffer[] {
  const header = { correlationId: 1, clientId: 'fuzz' };
  const frame = (chunks: readonly Buffer[]): Buffer => Buffer.concat(chunks).subarray(4);
  const token = (bytes: Buffer | string): Buffer => {
    const body = { authBytes: Buffer.from(bytes) };
    return frame(encodeRequest(saslAuthenticate, 2, header, body));
  };
  const texts = [
    '\0alice\0guess',
    '\0\0',
    'n,,n=alice,r=abc',
    'n,,n=alice,r=abc,tokenauth=true',
    `c=biws,r=abcserverNonce,p=${createHash('sha256').digest('base64')}`,
    'n,,\x01auth=Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIiwiZXhwIjo5OTk5OTk5OTk5fQ.\x01\x01',
    '\x01',
    '',
  ];
  const software = { clientSoftwareName: 'a', clientSoftwareVersion: '1' };
  return [
    frame(encodeRequest(apiVersions, 3, header, software)),
    frame(encodeRequest(metadata, 9, header, { topics: [] })),
    ...['PLAIN', 'SCRAM-SHA-256', 'OAUTHBEARER', 'x'].flatMap((mechanism) =>
      [0, 1].map((version) => frame(encodeRequest(saslHandshake, version, header, { mechanism }))),
    ),
    ...texts.map(token),
    ...texts.map((text) => Buffer.from(text)),
  ];
}

function mutated(prng: Prng, frame: Buffer): Buffer {
  const copy = Buffer.from(frame);
  const kind = prng.int(6);
  if (kind === 0 && copy.length > 0) copy[prng.int(copy.length)] = prng.int(256);
  if (kind === 1) return copy.subarray(0, prng.int(copy.length + 1));
  if (kind === 2) return Buffer.concat([copy, Buffer.alloc(prng.int(20), prng.int(256))]);
  if (kind === 3 && copy.length > 0) {
    for (let n = 0; n < 4; n++) copy[prng.int(copy.length)] = prng.int(256);
  }
  return copy;
}

test('no frame lets anybody in who does not know the password, or does harm', () => {
  const known = mechanisms();
  const honest = frames();
  const prng = new Prng(process.env.PARTITA_FUZZ_SEED ?? 'sasl');
  let [taken, conversations] = [0, 0];
  while (taken < framesMax) {
    const peer = new Peer(known);
    conversations++;
    for (let n = 0; n < 12 && !peer.isClosed; n++) {
      const frame = mutated(prng, honest[prng.int(honest.length)] as Buffer);
      taken++;
      try {
        const served = peer.send(frame);
        assert.ok(served === null || served === apiVersions.key, `API ${served} is served`);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        break;
      }
      assert.equal(peer.client.principal, anonymous);
    }
  }
  assert.ok(conversations > 1000);
});
