// The command line. This file is the map: main.ts loads the one command that is asked for.
//
//   main.ts              `partita COMMAND …`, and the scripts of bin/ under Kafka's names
//   start.ts, stray.ts   the commands of our own: run a broker; take back what one set aside
//   partita-cluster.ts   all of a cluster's metadata (cluster/): dump-and-restore.ts,
//     dump-text.ts; adopt.ts, replicas.ts; recover.ts, known-logs.ts; named-cluster.ts,
//     stopped-broker.ts: whose; file-or-stream.ts: from and to where
//   partita-role.ts      named bundles of ACLs; partita-explain.ts: what an error means
//   start-brokers.ts     `start --brokers N`: keeps the store of a cluster, starts its brokers
//   secure/              `start --secure`: keys, a user, a properties file for clients
//   start-options.ts     what either is told; store-watch.ts: a broker whose store is gone ends
//   garbage-collection.ts  how the process of a broker collects garbage
//   tool.ts              what every command is, and how it ends; read-text.ts: a file it is given
//   sub-command.ts       commands of the form `tool ACTION`
//   command-line.ts      flags, as Kafka's tools read them; client-flags.ts: those of all clients
//   interruption.ts      Ctrl-C
//   output-stream.ts     standard output in bulk; progress.ts: how far a long work is
//   tab-table.ts         tables as Kafka prints them; java-name.ts: names of its exceptions
//   topic-filter.ts      topics by pattern; partition-filter.ts: partitions
//   pace.ts              records per second
//   metadata-text.ts     a record of the metadata, as Kafka prints it
//   metadata-versions.ts, feature-texts.ts   what levels of features are called
//   api-versions-text.ts   which requests a broker serves
//   version.ts           of this package
//
// Each of Kafka's tools is a file with its name, and has a folder beside it where it needs one:
//   topics and configs: kafka-topics.ts (topics/), kafka-configs.ts (configs/)
//   records: kafka-console-producer.ts (console-producer/), kafka-console-consumer.ts
//     (console-consumer/), kafka-delete-records.ts, kafka-get-offsets.ts
//   groups and transactions: kafka-consumer-groups.ts (consumer-groups/), kafka-transactions.ts
//     (transactions/)
//   access: kafka-acls.ts (acls/), kafka-delegation-tokens.ts
//   the cluster: kafka-cluster.ts, kafka-broker-api-versions.ts, kafka-features.ts,
//     kafka-leader-election.ts, kafka-metadata-quorum.ts, kafka-reassign-partitions.ts (reassign/),
//     kafka-replica-verification.ts (replica-verification/)
//   directories and files: kafka-storage.ts (storage-scram.ts), kafka-log-dirs.ts,
//     kafka-dump-log.ts (dump-log/)
//   measuring: kafka-producer-perf-test.ts (producer-perf/), kafka-consumer-perf-test.ts
//     (consumer-perf/), kafka-verifiable-producer.ts and kafka-verifiable-consumer.ts (verifiable/)
export {};
