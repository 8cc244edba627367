// kcat (librdkafka) and Kafka's own console consumer as members of a group.

import { describe } from 'node:test';
import { describeGroupClient } from './group-client.ts';
import { hasKafka, hasKcat, kafkaToolCommand } from './toolchain.ts';

describe('members of groups', { concurrency: 2 }, () => {
  describeGroupClient({
    name: 'kcat',
    isPresent: hasKcat,
    member: ({ servers, group, topic }) => [
      'kcat',
      ...['-b', servers, '-G', group, '-q', '-u', '-f', '%s\\n'],
      // Without it kcat ends when its only broker is away.
      '-E',
      ...['-X', 'auto.offset.reset=earliest', '-X', 'session.timeout.ms=6000'],
      ...['-X', 'heartbeat.interval.ms=500', topic],
    ],
  });

  describeGroupClient({
    name: 'Kafka console consumer',
    isPresent: hasKafka,
    member: ({ servers, group, topic }) =>
      kafkaToolCommand('kafka-console-consumer', [
        ...['--bootstrap-server', servers, '--topic', topic, '--group', group],
        '--from-beginning',
        ...['--command-property', 'session.timeout.ms=6000'],
        ...['--command-property', 'heartbeat.interval.ms=500'],
      ]),
  });
});
