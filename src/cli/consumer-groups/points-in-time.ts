// Times as kafka-consumer-groups takes them: `YYYY-MM-DDTHH:mm:ss.sss` with an optional zone, and
// ISO 8601 durations such as P1DT2H30M.

import { UsageError } from '../command-line.ts';

/** Milliseconds since 1970. A time without a zone is UTC, as with Kafka's tool. */
export function parseDateTime(text: string): number {
  const match =
    /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:?\d{2})?$/.exec(text);
  const [, date, time, zone = 'Z'] = match ?? [];
  const colonZone = zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const timestampMs = match === null ? Number.NaN : Date.parse(`${date}T${time}${colonZone}`);
  if (Number.isNaN(timestampMs)) {
    throw new UsageError(`--to-datetime takes YYYY-MM-DDTHH:mm:ss.sss, not '${text}'`);
  }
  return timestampMs;
}

const unitMs = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000 };

/** The length of an ISO 8601 duration in days, hours, minutes and seconds. */
export function parseDurationMs(text: string): number {
  const match =
    /^P(?=[\dT])(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,3})?)S)?)?$/i.exec(
      text,
    );
  if (match === null) {
    throw new UsageError(`--by-duration takes a duration such as PT1H or P7D, not '${text}'`);
  }
  const [, days = 0, hours = 0, minutes = 0, seconds = 0] = match;
  return (
    Number(days) * unitMs.days +
    Number(hours) * unitMs.hours +
    Number(minutes) * unitMs.minutes +
    Math.round(Number(seconds) * unitMs.seconds)
  );
}
