// What can be configured per subscription to the metrics of clients (KIP-714).

import { acceptedOnly, int, list } from './definition.ts';

export const clientMetricsConfigDefinitions = acceptedOnly(
  'reports of clients are not served yet',
  {
    'interval.ms': int(300_000, 'Time between two reports of a client, in ms.'),
    match: list([], 'Which clients report, as name=pattern between commas.'),
    metrics: list([], 'Beginnings of the names of the metrics to report; empty for none.'),
  },
);
