// Partitions by pattern: what --topic, --partitions and --topic-partitions of kafka-get-offsets
// select. A rule is topic[:partitions], where partitions are a number, `from-until` (until is
// not included), `from-`, or `-until`.

import { UsageError } from './command-line.ts';
import { topicFilter } from './topic-filter.ts';

export type PartitionFilter = (topic: string, partition: number) => boolean;

/** `topic1:1,topic2:0-3,topic3,topic4:5-,topic5:-3` */
export function parseTopicPartitions(text: string): PartitionFilter {
  const rules = text.split(',').map(parseRule);
  return (topic, partition) => rules.some((rule) => rule(topic, partition));
}

function parseRule(rule: string): PartitionFilter {
  const match = /^([^:,]*)(?::(?:(\d*)|(\d*)-(\d*)))?$/.exec(rule);
  if (match === null) throw new UsageError(`Invalid rule specification: ${rule}`);
  const [, topics = '', only = '', from = '', until = ''] = match;
  const isTopic = topics === '' ? () => true : topicFilter(topics);
  const isPartition = (partition: number): boolean =>
    only !== ''
      ? partition === Number(only)
      : (from === '' || partition >= Number(from)) && (until === '' || partition < Number(until));
  return (topic, partition) => isTopic(topic) && isPartition(partition);
}

/** A pattern for topics and a list of partition numbers, each of which may be left out. */
export function partitionFilter(
  topics: string | undefined,
  partitions: string | undefined,
): PartitionFilter {
  const isTopic = topics === undefined ? () => true : topicFilter(topics);
  const numbers = (partitions ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  if (!numbers.every((each) => /^\d+$/.test(each))) {
    throw new UsageError(
      '--partitions expects a comma separated list of numeric partition ids, ' +
        `but received: ${partitions}`,
    );
  }
  const wanted = new Set(numbers.map(Number));
  return (topic, partition) => isTopic(topic) && (wanted.size === 0 || wanted.has(partition));
}
