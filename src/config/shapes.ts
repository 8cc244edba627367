// What some values must look like beyond their type.

const durationPattern =
  /^[+-]?P(?=.)([+-]?\d+D)?(T(?=.)([+-]?\d+H)?([+-]?\d+M)?([+-]?\d+(\.\d{0,9})?S)?)?$/i;

/** One item of a list of throttled replicas: `partition:broker`, or `*` for all. */
export const isThrottledReplica = (item: string): boolean => /^(\*|\d+:\d+)$/.test(item);

/** Where a share group starts: a word, or a time ago as Java's Duration writes it. */
export function isOffsetReset(text: string): boolean {
  if (text === 'latest' || text === 'earliest') return true;
  const duration = /^by_duration:(.+)$/.exec(text)?.[1];
  return duration !== undefined && durationPattern.test(duration) && !duration.includes('-');
}
