// Odd requests about delegation tokens, in an order that a seed decides: by several users with
// several rights, with lifetimes that make no sense. Each is sent to one broker, whose answer is
// told without what no two brokers say alike: ids, secrets and the time of day.

import { Prng } from '../../../src/base/prng.ts';
import type { ClientConnection } from '../../../src/network/index.ts';
import {
  createDelegationToken,
  describeDelegationToken,
  errorName,
  expireDelegationToken,
  renewDelegationToken,
} from '../../../src/protocol/index.ts';
import { type User, users } from './token-broker.ts';

interface Name {
  readonly principalType: string | null;
  readonly principalName: string | null;
}

interface Asked {
  readonly user: User;
  readonly versionMax: number;
}

export type Step =
  | (Asked & {
      readonly kind: 'create';
      readonly owner: Name;
      readonly renewers: readonly Name[];
      readonly ms: number;
    })
  | (Asked & { readonly kind: 'renew' | 'expire'; readonly token: number; readonly ms: number })
  | (Asked & { readonly kind: 'describe'; readonly owners: readonly Name[] | null });

const hour = 3_600_000;
/** One that ends within seconds would end at another step of the other broker. */
const lifetimes: readonly number[] = [
  ...[-1, 0, 0, -5, -(2 ** 63), 1, 1, hour, 86_400_000, 86_400_001, 604_800_000, 604_800_001],
  ...[2 ** 53 - 1, 2 ** 62, 2 ** 63],
];
const user = (principalName: string): Name => ({ principalType: 'User', principalName });
const nobody: Name = { principalType: null, principalName: null };
const owners: readonly Name[] = [
  ...[nobody, nobody, nobody, nobody, nobody, nobody, user('carol'), user('alice'), user('')],
  ...[
    { principalType: 'Group', principalName: 'g' },
    { principalType: '', principalName: 'x' },
  ],
  { principalType: null, principalName: 'x' },
];
const renewers: readonly Name[] = [
  ...[user('bob'), user('carol'), user('bob'), user('carol'), user('a:b'), user('')],
  { principalType: 'Group', principalName: 'bob' },
];

export function stepsOf(seed: number, count: number): Step[] {
  const prng = new Prng(seed);
  const one = <T>(of: readonly T[]): T => of[prng.int(of.length)] as T;
  const some = <T>(of: readonly T[]): T[] => {
    return Array.from({ length: prng.int(3) }, () => one(of));
  };
  const makers: User[] = [];
  return Array.from({ length: count }, (): Step => {
    const asked = { user: one(users), versionMax: 1 + prng.int(3) };
    const kind = one(['create', 'create', 'renew', 'renew', 'expire', 'describe'] as const);
    if (kind === 'create') {
      makers.push(asked.user);
      return { ...asked, kind, owner: one(owners), renewers: some(renewers), ms: one(lifetimes) };
    }
    if (kind === 'describe') {
      const named = [...users.map(user), user('g'), { principalType: 'Group', principalName: 'g' }];
      return { ...asked, kind, owners: prng.int(2) === 0 ? null : some(named) };
    }
    // Mostly by somebody who may.
    const token = prng.int(makers.length + 1);
    const maker = makers[token] ?? asked.user;
    const by = prng.int(3) === 0 ? asked.user : maker;
    return { ...asked, kind, user: by, token, ms: one(lifetimes) };
  });
}

interface Known {
  readonly tokenId: string;
  readonly hmac: Buffer;
}

/** What one broker answers, step after step. */
export class Asker {
  readonly #connections: ReadonlyMap<User, ClientConnection>;
  /** By the step that asked for it; a token that was refused has none. */
  readonly #tokens: (Known | null)[] = [];
  #decided: { readonly tokenId: string; readonly expiry: number | null } | null = null;

  constructor(connections: ReadonlyMap<User, ClientConnection>) {
    this.#connections = connections;
  }

  /** Waits until the broker has learned of what its controller has decided. */
  async settle(): Promise<void> {
    const decided = this.#decided;
    this.#decided = null;
    const admin = this.#connections.get('admin') as ClientConnection;
    while (decided !== null) {
      const { tokens } = await admin.request(describeDelegationToken, { owners: null });
      const token = tokens.find(({ tokenId }) => tokenId === decided.tokenId);
      if ((token?.expiryTimestamp ?? null) === decided.expiry) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async ask(step: Step): Promise<string> {
    const connection = this.#connections.get(step.user) as ClientConnection;
    const beganMs = Date.now();
    switch (step.kind) {
      case 'create': {
        const { principalType: ownerPrincipalType, principalName: ownerPrincipalName } = step.owner;
        const owner = step.versionMax < 3 ? {} : { ownerPrincipalType, ownerPrincipalName };
        const answer = await connection.request(
          createDelegationToken,
          {
            ...owner,
            renewers: step.renewers as never,
            maxLifetimeMs: step.ms,
          },
          { versionMax: step.versionMax },
        );
        const { tokenId, hmac, issueTimestampMs: issued, throttleTimeMs: _, ...rest } = answer;
        this.#tokens.push(tokenId === '' ? null : { tokenId, hmac: Buffer.from(hmac) });
        if (tokenId !== '') this.#decided = { tokenId, expiry: answer.expiryTimestampMs };
        return told({
          ...rest,
          issued: Math.abs(issued - beganMs) < 60_000 ? 'now' : issued,
          expiryTimestampMs: answer.expiryTimestampMs - issued,
          maxTimestampMs: since(answer.maxTimestampMs, issued),
          bytes: [tokenId.length, hmac.length],
        });
      }
      case 'renew': {
        const body = { hmac: this.#hmacOf(step.token), renewPeriodMs: step.ms };
        const answer = await connection.request(renewDelegationToken, body, step);
        this.#onDecided(step.token, answer);
        return told({ ...answer, expiryTimestampMs: after(answer.expiryTimestampMs, beganMs) });
      }
      case 'expire': {
        const body = { hmac: this.#hmacOf(step.token), expiryTimePeriodMs: step.ms };
        const answer = await connection.request(expireDelegationToken, body, step);
        this.#onDecided(step.token, answer, step.ms < 0);
        return told({ ...answer, expiryTimestampMs: after(answer.expiryTimestampMs, beganMs) });
      }
      default: {
        const body = { owners: step.owners as never };
        const answer = await connection.request(describeDelegationToken, body, step);
        const tokens = answer.tokens.map((token) => this.#shown(token, beganMs)).sort();
        return told({ errorCode: answer.errorCode, tokens });
      }
    }
  }

  #onDecided(
    index: number,
    answer: { readonly errorCode: number; readonly expiryTimestampMs: number },
    isGone = false,
  ): void {
    const token = this.#tokens[index] ?? null;
    if (answer.errorCode !== 0 || token === null) return;
    const expiry = isGone ? null : answer.expiryTimestampMs;
    this.#decided = { tokenId: token.tokenId, expiry };
  }

  #hmacOf(index: number): Buffer {
    return this.#tokens[index]?.hmac ?? Buffer.alloc(64, index);
  }

  #shown(
    { tokenId, hmac, ...token }: Known & Readonly<Record<string, unknown>>,
    nowMs: number,
  ): string {
    const index = this.#tokens.findIndex((each) => each?.tokenId === tokenId);
    return told({
      index,
      isSecretRight: this.#tokens[index]?.hmac.equals(hmac),
      ...token,
      issueTimestamp: null,
      expiryTimestamp: after(token.expiryTimestamp as number, nowMs),
      maxTimestamp: after(token.maxTimestamp as number, nowMs),
    });
  }
}

/** A time in minutes from now, or what is no time of these years. */
function after(timestamp: number, nowMs: number): string {
  if (timestamp < nowMs - hour || timestamp > nowMs + 1000 * hour) return String(timestamp);
  return `in ${Math.round((timestamp - nowMs) / 60_000)} min`;
}

function since(timestamp: number, ms: number): number {
  return timestamp > 2 ** 53 ? timestamp : timestamp - ms;
}

function told(answer: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(answer, (name, value) => {
    return name === 'errorCode' ? errorName(value) : value;
  });
}
