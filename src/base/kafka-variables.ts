// Environment variables as the apache/kafka image maps them: KAFKA_LOG_DIRS is log.dirs, two
// underscores are one, three are a dash. Variables that steer the JVM and its logging are left out.

const excluded: ReadonlySet<string> = new Set([
  'KAFKA_VERSION',
  'KAFKA_HEAP_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_JMX_HOSTNAME',
  // Not in the image's list, but no keys of a broker either: its scripts and launchers read them.
  'KAFKA_HOME',
  'KAFKA_JMX_PORT',
  'KAFKA_DEBUG',
]);

/** The configuration keys that an environment holds, with their values. */
export function environmentConfigs(
  env: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const configs = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !name.startsWith('KAFKA_') || excluded.has(name)) continue;
    configs.set(keyOfVariable(name), value);
  }
  return configs;
}

/** The key that a variable sets: KAFKA_A_B is a.b, KAFKA_A__B is a_b, KAFKA_A___B is a-b. */
export function keyOfVariable(name: string): string {
  return name
    .slice('KAFKA_'.length)
    .toLowerCase()
    .replaceAll('_', '.')
    .replaceAll('...', '-')
    .replaceAll('..', '_');
}

/**
 * The system properties that Kafka's scripts hand to Java: the words `-Dname=value` of KAFKA_OPTS,
 * split at white space, as the shell does; the later wins. Some of what a broker needs for a
 * ZooKeeper has no other place in Kafka.
 */
export function systemProperties(options: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const word of options?.split(/\s+/) ?? []) {
    const match = /^-D([^=]+)(?:=(.*))?$/.exec(word);
    if (match !== null) found.set(match[1] as string, match[2] ?? '');
  }
  return found;
}
