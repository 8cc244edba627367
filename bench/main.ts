// `npm run bench -- NAME [flags]`: one question per file, named as the file. Without a name it
// says which there are.

interface Bench {
  run(args: readonly string[]): Promise<void>;
}

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  startup: () => import('./startup.ts'),
  'data-path': () => import('./data-path.ts'),
  partitions: () => import('./partitions.ts'),
  compaction: () => import('./compaction.ts'),
  connections: () => import('./connections.ts'),
  sessions: () => import('./sessions.ts'),
  replicated: () => import('./replicated.ts'),
  'replicated-produce': () => import('./replicated-produce.ts'),
  failover: () => import('./failover.ts'),
  'cluster-partitions': () => import('./cluster-partitions.ts'),
  'metadata-store': () => import('./metadata-store.ts'),
  kafka: () => import('./kafka.ts'),
  handshakes: () => import('./handshakes.ts'),
  acls: () => import('./acls.ts'),
  security: () => import('./security.ts'),
  latency: () => import('./latency.ts'),
  transactions: () => import('./transactions.ts'),
  clients: () => import('./clients.ts'),
};

const [name, ...args] = process.argv.slice(2);
const load = benches[name ?? ''];
if (load === undefined) {
  console.log(`npm run bench -- NAME [flags], where NAME is ${Object.keys(benches).join(', ')}`);
  process.exit(name === undefined ? 0 : 1);
}
await (await load()).run(args);
