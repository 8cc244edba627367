// Asks for producer ids, as idempotent producers do when they start.

import type { Prng } from '../../src/base/prng.ts';
import { type Io, IoError } from '../../src/io/index.ts';
import { ClientConnection } from '../../src/network/index.ts';
import { initProducerId, KafkaError } from '../../src/protocol/index.ts';
import type { ProducerIdsOnce } from '../checkers/index.ts';

export interface TakerOptions {
  readonly address: { readonly host: string; readonly port: number };
  readonly ids: ProducerIdsOnce;
  readonly prng: Prng;
}

/** Never ends: its process is killed. */
export async function takeProducerIds(io: Io, { address, ids, prng }: TakerOptions): Promise<void> {
  for (;;) {
    try {
      const connection = await ClientConnection.connect(io, { ...address, clientId: 'taker' });
      for (let i = prng.int(10); i >= 0; i--) {
        const body = { transactionalId: null, transactionTimeoutMs: 60_000 };
        const answer = await connection.request(initProducerId, body, { timeoutMs: 5_000 });
        if (answer.errorCode === 0) ids.onProducerId(answer.producerId);
        await io.clock.sleep(prng.int(50));
      }
      connection.close();
    } catch (error) {
      // The broker is down, or it went down while it was asked: an id may be lost, not given twice.
      if (!(error instanceof IoError || error instanceof KafkaError)) throw error;
    }
    await io.clock.sleep(50);
  }
}
