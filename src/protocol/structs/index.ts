// Schemas of bytes that are no request or response, by where they live:
//
//   consumer-protocol.ts       within JoinGroup and SyncGroup
//   group-records.ts           __consumer_offsets: offsets, classic groups
//   consumer-group-records.ts  __consumer_offsets: groups of KIP-848
//   transaction-log.ts         __transaction_state
//   internal-records.ts        which value goes with which key in these topics
//   producer-snapshot.ts       the .snapshot files of a log
//   control-records.ts         control batches
//   principal.ts               within Envelope

import type { Struct } from '../schema.ts';
import {
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue,
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
} from './consumer-group-records.ts';
import { consumerProtocolAssignment, consumerProtocolSubscription } from './consumer-protocol.ts';
import {
  controlRecordKey,
  endTxnMarker,
  kraftVersionRecord,
  leaderChangeMessage,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  votersRecord,
} from './control-records.ts';
import {
  groupMetadataKey,
  groupMetadataValue,
  legacyOffsetCommitKey,
  offsetCommitKey,
  offsetCommitValue,
} from './group-records.ts';

export { groupRecordStructs, transactionRecordStructs } from './internal-records.ts';

import { principal } from './principal.ts';
import { producerSnapshot } from './producer-snapshot.ts';
import { transactionLogKey, transactionLogValue } from './transaction-log.ts';

export {
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue,
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  controlRecordKey,
  endTxnMarker,
  groupMetadataKey,
  groupMetadataValue,
  kraftVersionRecord,
  leaderChangeMessage,
  legacyOffsetCommitKey,
  offsetCommitKey,
  offsetCommitValue,
  principal,
  producerSnapshot,
  snapshotFooterRecord,
  snapshotHeaderRecord,
  transactionLogKey,
  transactionLogValue,
  votersRecord,
};

export const allStructs: readonly Struct[] = [
  consumerProtocolSubscription,
  consumerProtocolAssignment,
  offsetCommitKey,
  legacyOffsetCommitKey,
  offsetCommitValue,
  groupMetadataKey,
  groupMetadataValue,
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue,
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
  transactionLogKey,
  transactionLogValue,
  producerSnapshot,
  controlRecordKey,
  endTxnMarker,
  leaderChangeMessage,
  snapshotHeaderRecord,
  snapshotFooterRecord,
  kraftVersionRecord,
  votersRecord,
  principal,
];
