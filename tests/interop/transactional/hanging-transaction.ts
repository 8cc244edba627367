// Records of a transaction that its coordinator knows nothing of, such as a producer of the first
// transaction protocol can leave behind: written by hand, since no client does that on purpose.

import assert from 'node:assert/strict';
import { createNodeIo } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import { encodeBatch, errorName, initProducerId, produce } from '../../../src/protocol/index.ts';

/** The last version that does not add the partition to the transaction by itself (KIP-890). */
const produceVersion = 9;

/** To partition 0; the broker must not verify transactions. */
export async function produceHanging(
  servers: string,
  topic: string,
  record: { readonly value: string; readonly timestamp: number },
): Promise<{ producerId: number }> {
  const [host, port] = servers.split(':') as [string, string];
  const io = createNodeIo({ logLevel: 'warn' });
  const options = { host, port: Number(port), clientId: 'hanging' };
  const connection = await ClientConnection.connect(io, options);
  try {
    const { errorCode, producerId, producerEpoch } = await connection.request(initProducerId, {
      transactionalId: null,
      transactionTimeoutMs: 60_000,
    });
    assert.equal(errorCode, 0, errorName(errorCode));
    const records = encodeBatch({
      records: [{ value: Buffer.from(record.value), timestamp: record.timestamp }],
      producerId,
      producerEpoch,
      baseSequence: 0,
      isTransactional: true,
    });
    const body = {
      transactionalId: `${topic}-unknown`,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
    };
    const answer = await connection.request(produce, body, {
      versionMax: produceVersion,
    });
    const partition = answer.responses[0]?.partitionResponses[0];
    assert.equal(partition?.errorCode, 0, errorName(partition?.errorCode ?? -1));
    return { producerId };
  } finally {
    connection.close();
  }
}
