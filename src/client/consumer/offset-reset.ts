// auto.offset.reset: where a partition is read from if there is no position, or if the position
// is gone: earliest, latest, by_duration:<ISO 8601> (KIP-1106), or none: an error.

import { ClientConfigError } from '../client-options.ts';
import { OffsetSpec } from '../offset-queries.ts';

/** `by_duration:P7DT12H`: the first record that is not older than that. */
export type AutoOffsetReset = 'earliest' | 'latest' | 'none' | `by_duration:${string}`;

const durationPattern =
  /^P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d{1,9})?)S)?)?$/i;

/** The OffsetSpec or time to look up; null: an error is wanted. */
export function resetSpec(policy: AutoOffsetReset, nowMs: number): number | null {
  if (policy === 'none') return null;
  if (policy === 'earliest' || policy === 'latest') return OffsetSpec[policy];
  return Math.max(0, nowMs - durationMs(policy));
}

/** Throws a ClientConfigError that says what is possible. */
export function parseAutoOffsetReset(key: string, value: string): AutoOffsetReset {
  const policy = value.toLowerCase().startsWith('by_duration:')
    ? (`by_duration:${value.slice('by_duration:'.length)}` as const)
    : value.toLowerCase();
  if (policy === 'earliest' || policy === 'latest' || policy === 'none') return policy;
  if (policy.startsWith('by_duration:')) {
    durationMs(policy);
    return policy as AutoOffsetReset;
  }
  const expected = 'expected one of earliest, latest, by_duration:<ISO 8601 duration>, none';
  throw new ClientConfigError(`${key} is "${value}": ${expected}`);
}

function durationMs(policy: string): number {
  const match = durationPattern.exec(policy.slice('by_duration:'.length));
  if (match === null) {
    const expected = 'expected a duration such as by_duration:P1DT2H30M';
    throw new ClientConfigError(`auto.offset.reset is "${policy}": ${expected}`);
  }
  const [days, hours, minutes, seconds] = match
    .slice(1)
    .map((text) => Number((text ?? '0').replace(',', '.')));
  const wholeMinutes = ((days as number) * 24 + (hours as number)) * 60 + (minutes as number);
  return wholeMinutes * 60_000 + (seconds as number) * 1000;
}
