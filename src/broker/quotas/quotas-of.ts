// The quotas of a broker, with the windows that its configuration names.

import type { BrokerConfig } from '../../config/index.ts';
import type { Io } from '../../io/index.ts';
import { Quotas } from './quotas.ts';

export function quotasOf(io: Io, config: BrokerConfig): Quotas {
  return new Quotas({
    window: {
      samples: config.get('quota.window.num'),
      sampleMs: config.get('quota.window.size.seconds') * 1000,
    },
    mutationWindow: {
      samples: config.get('controller.quota.window.num'),
      sampleMs: config.get('controller.quota.window.size.seconds') * 1000,
    },
    now: () => io.clock.monotonic(),
  });
}
