// The type of a record that a consumer with a table of topics hands out.

import type { ReceivedRecord, TopicTable } from '../topics.ts';
import type { ConsumerRecord } from './consumer-record.ts';

/** A union told apart by `record.topic`; without a table keys and values are bytes. */
export type ConsumedRecord<Topics extends TopicTable> = ReceivedRecord<ConsumerRecord, Topics>;
