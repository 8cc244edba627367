// Which limit a client has of one kind (producer_byte_rate …), and with whom it shares it. Of the
// eight levels the first that is set wins:
//
//   1 user and client id   2 user, any client id   3 user
//   4 any user, client id  5 any user and client id  6 any user
//   7 client id            8 any client id
//
// Who is limited by a level of users alone shares the limit with every client of that user; by a
// level of client ids alone, with every user of that client id.

import type { QuotaImage } from '../../metadata/index.ts';

export interface ClientIdentity {
  readonly user: string;
  readonly clientId: string;
}

export interface Limit {
  readonly perSecond: number;
  /** Clients with the same key are measured together. */
  readonly sensorKey: string;
}

type Share = 'user' | 'client' | 'both';

/** null is the default entity, undefined that the entity has no such part. */
type Part = string | null | undefined;

export class QuotaTable {
  readonly #limits: ReadonlyMap<string, number>;
  /** Found limits by user and client id; emptied with the table when a quota changes. */
  readonly #found = new Map<string, Limit | null>();

  private constructor(limits: ReadonlyMap<string, number>) {
    this.#limits = limits;
  }

  /** null when nobody has a quota of this kind: the caller need not measure at all. */
  static of(quotas: Iterable<QuotaImage>, key: string): QuotaTable | null {
    const limits = new Map<string, number>();
    for (const { entity, values } of quotas) {
      const limit = values.get(key);
      if (limit === undefined || 'ip' in entity) continue;
      limits.set(levelKey(entity.user, entity['client-id']), limit);
    }
    return limits.size === 0 ? null : new QuotaTable(limits);
  }

  /** null: unlimited. */
  limitOf(client: ClientIdentity): Limit | null {
    const { user, clientId } = client;
    const key = JSON.stringify([user, clientId]);
    let limit = this.#found.get(key);
    if (limit !== undefined) return limit;
    limit = this.#search(user, clientId);
    if (this.#found.size >= cachedMax) this.#found.clear();
    this.#found.set(key, limit);
    return limit;
  }

  #search(user: string, clientId: string): Limit | null {
    const levels: readonly [Part, Part, Share][] = [
      [user, clientId, 'both'],
      [user, null, 'both'],
      [user, undefined, 'user'],
      [null, clientId, 'both'],
      [null, null, 'both'],
      [null, undefined, 'user'],
      [undefined, clientId, 'client'],
      [undefined, null, 'client'],
    ];
    for (const [userPart, clientPart, share] of levels) {
      const perSecond = this.#limits.get(levelKey(userPart, clientPart));
      if (perSecond === undefined) continue;
      const sharers = [share, share === 'client' ? '' : user, share === 'user' ? '' : clientId];
      return { perSecond, sensorKey: JSON.stringify(sharers) };
    }
    return null;
  }
}

/** Clients choose their ids: what is remembered of them must have a bound. */
const cachedMax = 10_000;

function levelKey(user: Part, clientId: Part): string {
  return JSON.stringify([user === undefined ? 0 : user, clientId === undefined ? 0 : clientId]);
}
