// What the decisions about groups may use besides the state: time, the configuration, the newest
// metadata, and the means to decide again later.

import type { BrokerConfig } from '../../config/index.ts';
import type { Clock } from '../../io/index.ts';
import type { SoftTimer } from '../../machine/index.ts';
import type { MetadataImage } from '../../metadata/index.ts';
import type { DecidedProducers } from './offsets/decided-producers.ts';
import type { Outcome } from './outcome.ts';

export interface GroupContext {
  readonly clock: Clock;
  readonly config: () => BrokerConfig;
  readonly image: () => MetadataImage;
  /** The largest record that the log of the machine takes, in bytes. */
  readonly recordBytesMax: () => number;
  /** Who may write in a transaction. */
  readonly producers: DecidedProducers;
  /** 22 characters or more that nobody else has. */
  readonly newUuid: () => string;
  /** Decides after the delay, unless cancelled or the machine was thrown away meanwhile. */
  readonly later: (delayMs: number, decide: (outcome: Outcome) => void) => SoftTimer;
}

/** Who sends a request, as groups describe it. */
export interface GroupClient {
  readonly clientId: string;
  /** Kafka prints a slash before the address. */
  readonly clientHost: string;
}
