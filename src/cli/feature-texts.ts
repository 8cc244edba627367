// What kafka-features and kafka-storage tell of features without a cluster: the levels that a
// release has, and what a level needs. The layout is that of Kafka's own tools.

import { UsageError } from './command-line.ts';
import {
  metadataVersionLevel,
  metadataVersionName,
  metadataVersionNames,
  newestMetadataVersion,
  releaseFeatures,
} from './metadata-versions.ts';

const metadataVersion = 'metadata.version';

/** `releaseVersion` such as 4.0 or 4.0-IV3; the newest if not given. */
export function versionMapping(releaseVersion: string | undefined): string {
  const level =
    releaseVersion === undefined ? newestMetadataVersion : metadataVersionLevel(releaseVersion);
  if (level === null) {
    const known = metadataVersionNames.join(', ');
    throw new UsageError(
      `Unknown metadata.version '${releaseVersion}'. Supported metadata.version are: ${known}`,
    );
  }
  const shown = releaseVersion ?? metadataVersionName(level);
  const lines = [...releaseFeatures(level)].map(([name, value]) => {
    return name === metadataVersion ? `${name}=${value} (${shown})` : `${name}=${value}`;
  });
  return `${lines.join('\n')}\n`;
}

/** `features` are pairs such as group.version=1. */
export function featureDependencies(features: readonly string[]): string {
  return features.map((text) => dependenciesOf(text)).join('');
}

function dependenciesOf(text: string): string {
  const match = /^\s*([^=\s]+)\s*=\s*(\d+)\s*$/.exec(text);
  if (match === null) {
    throw new UsageError(
      `Invalid feature format: ${text}. Expected format: 'feature=version' ` +
        "(e.g. 'group.version=1')",
    );
  }
  const [, name = '', digits] = match;
  const level = Number(digits);
  const newest = releaseFeatures(newestMetadataVersion).get(name);
  if (newest === undefined) throw new UsageError(`Unknown feature: ${name}`);
  if (name === metadataVersion) {
    const title = metadataVersionName(level);
    if (title === `${level}`) throw new UsageError(`Unknown metadata.version ${level}`);
    return `${name}=${level} (${title}) has no dependencies.\n`;
  }
  if (level > newest) {
    throw new UsageError(`Feature level ${level} is not supported for feature ${name}`);
  }
  if (name === 'eligible.leader.replicas.version' && level === 1) {
    return `${name}=${level} requires:\n    metadata.version=23 (4.0-IV1)\n`;
  }
  return `${name}=${level} has no dependencies.\n`;
}
