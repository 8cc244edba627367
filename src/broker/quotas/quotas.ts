// The quotas of a broker: every kind, kept up to date with the metadata. Without any quota a
// request costs one comparison.

import type { QuotaImage } from '../../metadata/index.ts';
import { ClientQuota } from './client-quota.ts';
import { ConnectionQuota } from './connection-quota.ts';
import { MutationQuota } from './mutation-quota.ts';
import type { ClientIdentity } from './quota-table.ts';
import { RequestCharge, type RequestQuotas } from './request-charge.ts';
import type { WindowOptions } from './sampled-rate.ts';

export interface QuotasOptions {
  /** quota.window.num and quota.window.size.seconds */
  readonly window: WindowOptions;
  /** controller.quota.window.num and controller.quota.window.size.seconds */
  readonly mutationWindow: WindowOptions;
  /** Milliseconds that never go back, fractional. */
  readonly now: () => number;
}

export class Quotas implements RequestQuotas {
  readonly now: () => number;
  readonly produce: ClientQuota;
  readonly fetch: ClientQuota;
  readonly request: ClientQuota;
  readonly mutations: MutationQuota;
  readonly connections: ConnectionQuota;
  #isActive = false;

  constructor({ window, mutationWindow, now }: QuotasOptions) {
    this.now = now;
    this.produce = new ClientQuota({ ...window, key: 'producer_byte_rate' });
    this.fetch = new ClientQuota({ ...window, key: 'consumer_byte_rate' });
    this.request = new ClientQuota({
      ...window,
      key: 'request_percentage',
      throttleMsMax: window.sampleMs,
    });
    this.mutations = new MutationQuota(mutationWindow);
    this.connections = new ConnectionQuota(window, now);
  }

  /** Whether any client has a quota. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** Takes the limits as they are now; what was measured stays. */
  configure(quotas: Iterable<QuotaImage>): void {
    const all = [...quotas];
    this.produce.configure(all);
    this.fetch.configure(all);
    this.request.configure(all);
    this.mutations.configure(all);
    this.connections.configure(all);
    this.#isActive =
      this.produce.isActive ||
      this.fetch.isActive ||
      this.request.isActive ||
      this.mutations.isActive;
  }

  /** null when nothing is limited. */
  begin(user: string, clientId: string | null): RequestCharge | null {
    if (!this.#isActive) return null;
    const client: ClientIdentity = { user, clientId: clientId ?? '' };
    return new RequestCharge(this, client);
  }
}
