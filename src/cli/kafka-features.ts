// kafka-features: what the whole cluster may rely on: describe it, raise it, lower it.

import type { Admin, FeatureUpdate } from '../client/index.ts';
import { KafkaError } from '../protocol/index.ts';
import { addClientFlags, type ClientFlags, withAdmin } from './client-flags.ts';
import { kafkaCommand, parseFlags, repeatable, UsageError } from './command-line.ts';
import { featureDependencies, versionMapping } from './feature-texts.ts';
import { metadataVersionLevel, metadataVersionName, releaseFeatures } from './metadata-versions.ts';
import { splitAction } from './sub-command.ts';

interface Flags extends ClientFlags {
  bootstrapController?: string;
  feature?: string[];
  metadata?: string;
  releaseVersion?: string;
  unsafe?: true;
  dryRun?: true;
}

const actions = [
  ...['describe', 'upgrade', 'downgrade', 'disable', 'version-mapping', 'feature-dependencies'],
];
const metadataVersion = 'metadata.version';

function featuresCommand() {
  const command = kafkaCommand(
    'kafka-features.sh',
    'describe, upgrade, downgrade, disable: what the whole cluster may rely on. version-mapping, ' +
      'feature-dependencies: what a release has, and needs.',
  )
    .usage(`[options] {${actions.join(',')}} [options]`)
    .addOption(repeatable('--feature <name=level>', 'a feature and its level (repeat)'))
    .option('--metadata <version>', 'the level of metadata.version, such as 4.0-IV3')
    .option('--release-version <version>', 'the levels of a release, such as 4.0')
    .option('--unsafe', 'downgrade: although it may lose metadata')
    .option('--dry-run', 'only check whether it could be done')
    .option('--bootstrap-controller <host:port>', 'as --bootstrap-server');
  addClientFlags(command, 'admin');
  return command;
}

async function describe(admin: Admin): Promise<string> {
  const { features, epoch } = await admin.cluster.describeFeatures();
  const sorted = [...features].sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = sorted.map(({ name, minVersion, maxVersion, finalizedLevel }) => {
    const level = (value: number): string =>
      (name === metadataVersion ? metadataVersionName(value) : `${value}`).padEnd(16);
    return (
      `Feature: ${name.padEnd(41)} SupportedMinVersion: ${level(minVersion)} ` +
      `SupportedMaxVersion: ${level(maxVersion)} FinalizedVersionLevel: ${level(finalizedLevel)} ` +
      `Epoch: ${epoch < 0 ? '-' : epoch}\n`
    );
  });
  return lines.join('');
}

function levelOf(version: string): number {
  const level = metadataVersionLevel(version);
  if (level !== null) return level;
  throw new UsageError(`Unknown metadata.version ${version}`);
}

/** The features and levels that the flags ask for, by name. */
export function wantedFeatures(action: string, flags: Flags): [name: string, level: number][] {
  const { feature = [], metadata, releaseVersion } = flags;
  if (releaseVersion !== undefined) {
    if (feature.length > 0 || metadata !== undefined) {
      throw new UsageError(
        'Can not specify `release-version` with other feature flags: leave them out',
      );
    }
    return [...releaseFeatures(levelOf(releaseVersion))].sort(byName);
  }
  const wanted = new Map<string, number>();
  if (metadata !== undefined) wanted.set(metadataVersion, levelOf(metadata));
  for (const text of feature) {
    const [name, level] = parseFeature(text, action === 'disable');
    if (wanted.has(name)) throw new UsageError(`Feature ${name} was specified more than once.`);
    wanted.set(name, level);
  }
  if (wanted.size === 0) {
    throw new UsageError(`You must specify at least one feature to ${action}: --feature`);
  }
  return [...wanted].sort(byName);
}

function byName([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1;
}

function parseFeature(text: string, isDisable: boolean): [name: string, level: number] {
  if (isDisable) return [text.trim(), 0];
  const match = /^\s*([^=\s]+)\s*=\s*(\d+)\s*$/.exec(text);
  if (match === null) {
    throw new UsageError(`Can't parse feature=level string ${text}: level is a whole number`);
  }
  return [match[1] as string, Number(match[2])];
}

async function update(admin: Admin, action: string, flags: Flags): Promise<number> {
  const wanted = wantedFeatures(action, flags);
  const lowering = flags.unsafe ? 'unsafe-downgrade' : 'safe-downgrade';
  const upgradeType = action === 'upgrade' ? 'upgrade' : lowering;
  const updates: FeatureUpdate[] = wanted.map(([feature, maxVersionLevel]) => {
    return { feature, maxVersionLevel, upgradeType };
  });
  const validateOnly = flags.dryRun === true;
  let error: KafkaError | null = null;
  try {
    await admin.cluster.updateFeatures(updates, { validateOnly });
  } catch (cause) {
    if (!(cause instanceof KafkaError) || cause.retriable) throw cause;
    error = cause;
  }
  for (const [name, level] of wanted) {
    const target = action === 'disable' ? name : `${name} to ${level}`;
    if (error !== null) {
      const verb = validateOnly ? 'Can not' : 'Could not';
      process.stdout.write(`${verb} ${action} ${target}. ${error.message}\n`);
      continue;
    }
    const done = action === 'disable' ? 'disabled' : `${action}d to ${level}`;
    process.stdout.write(`${name} ${validateOnly ? 'can be' : 'was'} ${done}.\n`);
  }
  if (error === null) return 0;
  const count = wanted.length;
  process.stderr.write(`${count} out of ${count} operation(s) failed.\n`);
  return 1;
}

function dependencies({ feature = [] }: Flags): string {
  if (feature.length === 0) throw new UsageError('name at least one --feature name=level');
  return featureDependencies(feature);
}

export async function run(args: readonly string[]): Promise<number> {
  const { action, flags: rest } = splitAction(args, actions);
  const flags = parseFlags<Flags>(featuresCommand(), rest);
  if (action === null) return 0;
  if (action === 'version-mapping' || action === 'feature-dependencies') {
    const text =
      action === 'version-mapping' ? versionMapping(flags.releaseVersion) : dependencies(flags);
    process.stdout.write(text);
    return 0;
  }
  const servers = flags.bootstrapServer ?? flags.bootstrapController;
  const client = servers === undefined ? flags : { ...flags, bootstrapServer: servers };
  return withAdmin('kafka-features', client, async (admin) => {
    if (action !== 'describe') return update(admin, action, flags);
    process.stdout.write(await describe(admin));
    return 0;
  });
}
