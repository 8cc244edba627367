// The scenarios that `npm run sim` knows, in the order in which it runs them.
//
// journal.ts     over raw Io: a journal that acknowledges what it has synced
// power-cut.ts   a produce load with fsync before acknowledgement, under power cuts;
//                the same with default flush settings
// kill.ts        a produce load with default settings, under kill -9 and clean stops
// network.ts     a produce load over a network that resets, cuts and slows down
// full-disk.ts   a produce load on a disk that runs full and gets room again
// bad-disk.ts    a produce load on a disk whose fsync fails
// lost-directory.ts   records to two log directories, one of which goes away
// metadata.ts    topics, configs and producer ids under power cuts and kills
// groups.ts      groups whose members come and go: under kills, power cuts, a bad network
// runner.ts      members that run a handler, which comes to harm in the middle
// compaction.ts  keyed updates to compacted topics, under kills, full disks, power cuts
// transactions.ts  transactions and exact copies: under kills, power cuts, a bad network
// transaction-steps.ts  harm at each step of a transaction
// compaction-steps.ts   harm at each step of a compaction; steps.ts is what both share
// replication.ts       several brokers that replicate, fail over and come back; with
//                      replication-plan.ts and replication-run.ts
// replication-moves.ts the same while replicas move, directories are lost; replication-stories.ts,
//                      move-stories.ts and story-parts.ts have what is told step by step
// metadata-logs.ts     no brokers: processes that keep a metadata log in those models
// metadata-on.ts       the same with the metadata in the models of etcd and ZooKeeper
// access.ts            rights and users that change while clients work
// groups-on-three.ts, transactions-on-three.ts, compaction-on-three.ts
//                      the same on three brokers; three-brokers.ts has what they share
// replication-told.ts, told-stories.ts  three brokers, few partitions, a story of a few steps
// markers-on-three.ts  the ends of transactions arrive late, from who coordinates no more
// damage.ts            files of a stopped broker that come to harm; damage-run.ts has the run
//
// load-run.ts holds what the scenarios with records share, group-run.ts those with groups, whose
// members group-plan.ts draws, transaction-run.ts and transaction-plan.ts those with transactions,
// compaction-run.ts those with compacted topics.

import type { Scenario } from '../scenario.ts';
import { access } from './access.ts';
import { badDisk } from './bad-disk.ts';
import { compaction, compactionPowerCut } from './compaction.ts';
import { compactionOnThree } from './compaction-on-three.ts';
import { compactionSteps } from './compaction-steps.ts';
import { damage } from './damage.ts';
import { fullDisk } from './full-disk.ts';
import { groups, groupsNetwork, groupsPowerCut } from './groups.ts';
import { groupsOnThree } from './groups-on-three.ts';
import { journal } from './journal.ts';
import { kill } from './kill.ts';
import { lostDirectory } from './lost-directory.ts';
import { markersOnThree } from './markers-on-three.ts';
import { metadata } from './metadata.ts';
import { harmOnEtcd, harmOnZooKeeper, logOnEtcd, logOnZooKeeper } from './metadata-logs.ts';
import {
  etcdFaults,
  replicationEtcd,
  replicationZooKeeper,
  zookeeperFaults,
} from './metadata-on.ts';
import { network } from './network.ts';
import { powerCut, powerCutUnsynced } from './power-cut.ts';
import { replication, replicationPowerCut } from './replication.ts';
import { replicationDirectories, replicationMoves } from './replication-moves.ts';
import { replicationTold } from './replication-told.ts';
import { runner } from './runner.ts';
import { transactionSteps } from './transaction-steps.ts';
import { transactions, transactionsNetwork, transactionsPowerCut } from './transactions.ts';
import { transactionsOnThree } from './transactions-on-three.ts';

export const scenarios: readonly Scenario[] = [
  journal,
  powerCut,
  powerCutUnsynced,
  kill,
  network,
  fullDisk,
  badDisk,
  lostDirectory,
  metadata,
  groups,
  groupsPowerCut,
  groupsNetwork,
  runner,
  transactions,
  transactionsPowerCut,
  transactionsNetwork,
  compaction,
  compactionPowerCut,
  transactionSteps,
  compactionSteps,
  damage,
  replication,
  replicationPowerCut,
  replicationEtcd,
  replicationZooKeeper,
  replicationMoves,
  replicationDirectories,
  replicationTold,
  logOnEtcd,
  logOnZooKeeper,
  harmOnEtcd,
  harmOnZooKeeper,
  etcdFaults,
  zookeeperFaults,
  groupsOnThree,
  transactionsOnThree,
  markersOnThree,
  compactionOnThree,
  access,
];
