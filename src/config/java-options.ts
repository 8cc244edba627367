// The system properties that Kafka's scripts hand to Java: the words `-Dname=value` of KAFKA_OPTS.
// Some of what a broker needs for a ZooKeeper has no other place in Kafka.

/** The later wins, as in Java. Words are split at white space, as the shell does. */
export function systemProperties(options: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const word of options?.split(/\s+/) ?? []) {
    const match = /^-D([^=]+)(?:=(.*))?$/.exec(word);
    if (match !== null) found.set(match[1] as string, match[2] ?? '');
  }
  return found;
}
