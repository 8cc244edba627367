// Options from KAFKA_* variables, as images of Kafka take them: KAFKA_BOOTSTRAP_SERVERS,
// KAFKA_GROUP_ID, KAFKA_SECURITY_PROTOCOL …

import { environmentConfigs } from '../base/kafka-variables.ts';
import { nodeEnvironment } from '../io/index.ts';
import type { AdminOptions } from './admin/index.ts';
import { optionsFromProperties } from './client-options.ts';
import { consumerRules } from './consumer/consumer-options.ts';
import type { ConsumerOptions } from './consumer/index.ts';
import type { ProducerOptions } from './producer/index.ts';
import { producerRules } from './producer/producer-options.ts';

interface OptionsOf {
  readonly producer: ProducerOptions;
  readonly consumer: ConsumerOptions;
  readonly admin: AdminOptions;
}

const rules = { producer: producerRules, consumer: consumerRules, admin: {} } as const;

/**
 * Options from the variables of Kafka's images, such as KAFKA_BOOTSTRAP_SERVERS and KAFKA_GROUP_ID;
 * variables that are not about this kind of client are left aside. Throws a ClientConfigError for a
 * value that is impossible.
 *
 *     new Consumer({ ...optionsFromEnvironment('consumer'), maxPollRecords: 100 });
 */
export function optionsFromEnvironment<Kind extends keyof OptionsOf>(
  kind: Kind,
  env: Readonly<Record<string, string | undefined>> = nodeEnvironment(),
): Partial<OptionsOf[Kind]> {
  const properties = environmentConfigs(env);
  return optionsFromProperties<OptionsOf[Kind]>(properties, rules[kind]).options;
}
