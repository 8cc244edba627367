// `partita cluster adopt`: a broker on its own, with all that it has, becomes the first broker of a
// cluster whose metadata lie in a store. Its logs stay where they are.

import type { Io } from '../../io/index.ts';
import { openKeyStore } from '../../metadata/index.ts';
import { adopt as adoptInto, type WholeMetadata } from '../../metadata/moving/index.ts';
import { summaryOf } from './dump-and-restore.ts';
import { type ConfigFlags, configOf, storeOf } from './named-cluster.ts';
import { StoppedBroker } from './stopped-broker.ts';

export async function adopt(io: Io, flags: ConfigFlags): Promise<void> {
  const config = configOf(io, flags);
  const options = await storeOf(io, config);
  await StoppedBroker.with(io, config, async (broker) => {
    const store = await openKeyStore(io, options);
    try {
      const { metadata, wasDone } = await adoptInto(io, store, broker);
      say(`${wasDone ? 'had' : 'has'} ${summaryOf(metadata)}`, store.address);
      sayNext(broker, metadata, flags.config);
    } finally {
      await store.close();
    }
  });
}

function say(what: string, address: string): void {
  process.stdout.write(`The cluster store ${address} ${what}.\n`);
}

function sayNext({ nodeId, metadataDir }: StoppedBroker, metadata: WholeMetadata, file: string) {
  const internal = metadata.records.flatMap((record) =>
    record.type === 'TopicRecord' && record.name.startsWith('__') ? [record.name] : [],
  );
  const raise =
    internal.length === 0
      ? ''
      : `When more brokers have joined, raise the replicas of ${internal.join(' and ')}:\n` +
        `  partita cluster replicas --config ${file} --topics ${internal.join()} \\\n` +
        '    --replication-factor 3 --to replicas.json\n' +
        '  kafka-reassign-partitions.sh --bootstrap-server … --execute \\\n' +
        '    --reassignment-json-file replicas.json\n';
  process.stdout.write(
    `Start broker ${nodeId} with this configuration. Without the store ${metadataDir} is refused ` +
      `from now on.\n${raise}`,
  );
}
