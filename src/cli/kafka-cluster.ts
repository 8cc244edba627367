// kafka-cluster: the id of a cluster, its brokers, what they serve; and forgets a broker.

import { Option } from 'commander';
import type { Admin, EndpointDescription } from '../client/index.ts';
import { describeApiVersions } from './api-versions-text.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { hidden, integer, kafkaCommand, parseFlags, requireFlags } from './command-line.ts';
import { splitAction } from './sub-command.ts';

interface Flags extends ClientFlags {
  bootstrapController?: string;
  config?: string;
  id?: number;
  includeFencedBrokers?: true;
}

const actions = ['cluster-id', 'unregister', 'list-endpoints', 'api-versions'] as const;

function clusterCommand() {
  const command = kafkaCommand(
    'kafka-cluster.sh',
    'cluster-id, list-endpoints, api-versions: print what a cluster is. unregister: forget a ' +
      'broker that will not come back.',
  )
    .usage(`{${actions.join(',')}} [options]`)
    .option('--id <id>', 'unregister: the id of the broker', integer('the id', 0))
    .option('--include-fenced-brokers', 'list-endpoints: those that do not serve, too')
    .option('--bootstrap-controller <host:port>', 'as --bootstrap-server')
    .addOption(hidden(new Option('--config <file>', 'as --command-config')));
  addClientFlags(command, 'admin');
  return command;
}

/** Kafka's table. */
export function endpointsTable(endpoints: readonly EndpointDescription[]): string {
  const hostWidth = Math.max(4, ...endpoints.map(({ host }) => host.length));
  const rackWidth = Math.max(10, ...endpoints.map(({ rack }) => String(rack).length));
  const row = (...cells: string[]): string => {
    const widths = [10, hostWidth, 10, rackWidth, 10, 15];
    return `${cells.map((cell, index) => cell.padEnd(widths[index] as number)).join(' ')}\n`;
  };
  const rows = endpoints.map(({ nodeId, host, port, rack, isFenced }) => {
    const state = isFenced ? 'fenced' : 'unfenced';
    return row(`${nodeId}`, host, `${port}`, `${rack}`, state, 'broker');
  });
  return [row('ID', 'HOST', 'PORT', 'RACK', 'STATE', 'ENDPOINT_TYPE'), ...rows].join('');
}

async function perform(admin: Admin, action: string, flags: Flags): Promise<string> {
  switch (action) {
    case 'cluster-id':
      return `Cluster ID: ${(await admin.describeCluster()).clusterId}\n`;
    case 'unregister':
      await admin.cluster.unregisterBroker(flags.id as number);
      return `Broker ${flags.id} is no longer registered.\n`;
    case 'list-endpoints': {
      const { includeFencedBrokers } = flags;
      return endpointsTable(await admin.cluster.listEndpoints({ includeFencedBrokers }));
    }
    default:
      return describeApiVersions(await admin.cluster.describeApis());
  }
}

export async function run(args: readonly string[]): Promise<number> {
  const { action, flags: rest } = splitAction(args, actions);
  const flags = parseFlags<Flags>(clusterCommand(), rest);
  if (action === null) return 0;
  const servers = flags.bootstrapServer ?? flags.bootstrapController;
  const config = flags.commandConfig ?? flags.config;
  const client: ClientFlags = { ...flags };
  if (servers !== undefined) client.bootstrapServer = servers;
  if (config !== undefined) client.commandConfig = config;
  if (action === 'unregister') requireFlags(flags, 'id');
  return withAdmin('kafka-cluster', client, async (admin) => {
    process.stdout.write(await perform(admin, action, flags));
    return 0;
  });
}
