// WriteTxnMarkers: the ends of transactions, into the partitions that this broker leads. Other
// brokers' coordinators send it, and operators who abort a transaction that nobody ends (KIP-664).

import { writeTxnMarkers } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster, mayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';
import { writeTransactionMarkers } from '../transaction-markers.ts';

export const writeTxnMarkersHandler = defineHandler(writeTxnMarkers, async (request, context) => {
  if (!mayOnCluster(context, AclOperation.ALTER)) {
    assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
  }
  const markers = request.markers.map(({ transactionResult: isCommit, ...marker }) => {
    return { ...marker, isCommit };
  });
  return { markers: await writeTransactionMarkers(context.broker, markers) };
});
