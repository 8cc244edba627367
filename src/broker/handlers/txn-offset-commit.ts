// TxnOffsetCommit: stores positions of a group that count when a transaction commits.

import { type KafkaError, type RequestOf, txnOffsetCommit } from '../../protocol/index.ts';
import { AclOperation, AclResource, assertMay } from '../authorization.ts';
import { type EnteredPartition, enterTransaction } from '../enter-transaction.ts';
import { defineHandler, type RequestContext } from '../handler.ts';
import { commitKnownTopics } from './commit-known-topics.ts';

type Request = RequestOf<typeof txnOffsetCommit>;

const abortableVersionMin = 4;
/** The client does not send AddOffsetsToTxn any more. */
const addsVersionMin = 5;
/** From this version on topics have ids instead of names. */
const idsVersionMin = 6;

export const txnOffsetCommitHandler = defineHandler(txnOffsetCommit, async (request, context) => {
  const { transactionalId, groupId } = request;
  assertMay(context, AclOperation.WRITE, AclResource.TRANSACTIONAL_ID, transactionalId);
  assertMay(context, AclOperation.READ, AclResource.GROUP, groupId);
  const { apiVersion, broker } = context;
  const isById = apiVersion >= idsVersionMin;
  const topics = await commitKnownTopics(
    { topics: request.topics, isById, context },
    async (known) => {
      const withTimes = known.map(({ partitions, ...topic }) => ({
        ...topic,
        partitions: partitions.map((partition) => ({ ...partition, commitTimestamp: -1 })),
      }));
      return await broker.groups.commitTransactionalOffsets(
        { ...request, apiVersion, topics: withTimes },
        enterOf(request, context),
      );
    },
  );
  return { topics };
});

/** Asks for the partition of the group; null when older clients are believed. */
function enterOf(request: Request, { apiVersion, broker }: RequestContext) {
  const { transactionalId, producerId, producerEpoch } = request;
  const adds = apiVersion >= addsVersionMin;
  if (!adds && !broker.config.get('transaction.partition.verification.enable')) return null;
  const knowsAbortable = apiVersion >= abortableVersionMin;
  const entry = { transactionalId, producerId, producerEpoch, adds, knowsAbortable };
  return async (partition: EnteredPartition): Promise<void> => {
    const [error] = (await enterTransaction(broker, entry, [partition])) as [KafkaError | null];
    if (error !== null) throw error;
  };
}
