// kafka-broker-api-versions: prints which requests each broker serves, in which versions.

import { describeApiVersions } from './api-versions-text.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, requireFlags } from './command-line.ts';

export async function run(args: readonly string[]): Promise<number> {
  const command = kafkaCommand(
    'kafka-broker-api-versions.sh',
    'Print which requests each broker serves, in which versions.',
  );
  addClientFlags(command, 'admin');
  const flags = parseFlags<ClientFlags>(command, args);
  requireFlags(flags, 'bootstrap-server');
  return withAdmin('kafka-broker-api-versions', flags, async (admin) => {
    process.stdout.write(describeApiVersions(await admin.cluster.describeApis()));
    return 0;
  });
}
