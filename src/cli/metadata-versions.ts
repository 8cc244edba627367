// What the levels of metadata.version are called, and which levels a release of Kafka has.

/** From level 7 on. */
export const metadataVersionNames: readonly string[] = [
  ...['3.3-IV3', '3.4-IV0', '3.5-IV0', '3.5-IV1', '3.5-IV2', '3.6-IV0', '3.6-IV1', '3.6-IV2'],
  ...['3.7-IV0', '3.7-IV1', '3.7-IV2', '3.7-IV3', '3.7-IV4', '3.8-IV0', '3.9-IV0', '4.0-IV0'],
  ...['4.0-IV1', '4.0-IV2', '4.0-IV3', '4.1-IV0', '4.1-IV1', '4.2-IV0', '4.2-IV1', '4.3-IV0'],
  ...['4.4-IV0', '4.4-IV1', '4.4-IV2'],
];
const levelMin = 7;

export const newestMetadataVersion: number = levelMin + metadataVersionNames.length - 1;

/** The number itself where it has no name. */
export function metadataVersionName(level: number): string {
  return metadataVersionNames[level - levelMin] ?? `${level}`;
}

/** Of a name such as 4.0-IV3, or of a release such as 4.0, which is its last; null: unknown. */
export function metadataVersionLevel(name: string): number | null {
  const index = metadataVersionNames.findLastIndex(
    (each) => each === name || each.startsWith(`${name}-`),
  );
  return index === -1 ? null : index + levelMin;
}

/** The levels that a cluster of that metadata version has by default. */
export function releaseFeatures(metadataVersion: number): ReadonlyMap<string, number> {
  const from = (level: number, value: number): number => (metadataVersion >= level ? value : 0);
  return new Map([
    ['metadata.version', metadataVersion],
    ['kraft.version', from(21, 1)],
    ['transaction.version', from(24, 2)],
    ['group.version', from(22, 1)],
    ['eligible.leader.replicas.version', from(26, 1)],
    ['share.version', from(28, 1)],
    ['streams.version', from(28, 1)],
  ]);
}
