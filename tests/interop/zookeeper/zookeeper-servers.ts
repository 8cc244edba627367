// Real ZooKeeper servers for tests: from Debian's package, in folders and on ports of their own,
// alone or as an ensemble, stopped, paused and killed by the ids of their processes.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { answers, present, shortLived } from '../toolchain.ts';

const jar = '/usr/share/java/zookeeper.jar';
/** What Netty needs for encrypted ports and the package leaves out. */
const more = ['netty-codec', 'netty-resolver', 'commons-io'].map(
  (name) => `/usr/share/java/${name}.jar`,
);

export function isZooKeeperHere(): boolean {
  return answers('java', '-version') && existsSync(jar);
}

export function hasZooKeeper(t: TestContext): boolean {
  return present(t, isZooKeeperHere(), 'ZooKeeper');
}

export interface ServerOptions {
  /** Half of the shortest session. Default 500 ms. */
  readonly tickMs?: number;
  /** More lines of zoo.cfg. */
  readonly config?: readonly string[];
  /** Flags of the Java machine. */
  readonly flags?: readonly string[];
}

export class ZooKeeperServer {
  readonly folder: string;
  readonly port: number;
  readonly #flags: readonly string[];
  #child: ChildProcess | null = null;
  #output = '';

  constructor(folder: string, port: number, config: readonly string[], flags: readonly string[]) {
    this.folder = folder;
    this.port = port;
    this.#flags = flags;
    mkdirSync(join(folder, 'data'), { recursive: true });
    const lines = [
      `dataDir=${join(folder, 'data')}`,
      `clientPort=${port}`,
      'clientPortAddress=127.0.0.1',
      'admin.enableServer=false',
      '4lw.commands.whitelist=*',
      'maxClientCnxns=0',
    ];
    writeFileSync(join(folder, 'zoo.cfg'), [...lines, ...config, ''].join('\n'));
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  get output(): string {
    return this.#output;
  }

  /** Returns when it answers (a member: when it has a leader). */
  async start(): Promise<void> {
    this.launch();
    await this.answered();
  }

  launch(): void {
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    const args = ['-Xmx256m', ...shortLived, ...this.#flags, '-cp', [jar, ...more].join(':'), main];
    this.#child = spawn('java', [...args, join(this.folder, 'zoo.cfg')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
  }

  async answered(): Promise<void> {
    for (let waitedMs = 0; ; waitedMs += 50) {
      const mode = await this.mode();
      if (mode !== null) return;
      if (waitedMs > 60_000) throw new Error(`ZooKeeper does not start:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** standalone, leader or follower; null: it does not serve. */
  async mode(): Promise<string | null> {
    const text = await fourLetters(this.port, 'srvr');
    return /^Mode: (\w+)/m.exec(text)?.[1] ?? null;
  }

  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void {
    this.#child?.kill(signal);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await exited;
  }
}

/** One server, gone with its files when the test ends. */
export async function startServer(
  t: { after(fn: () => Promise<void>): void },
  { tickMs = 500, config = [], flags = [] }: ServerOptions = {},
): Promise<ZooKeeperServer> {
  const folder = mkdtempSync(join(tmpdir(), 'partita-zookeeper-'));
  const [port] = await freePorts(1);
  const server = new ZooKeeperServer(
    folder,
    port as number,
    [`tickTime=${tickMs}`, ...config],
    flags,
  );
  t.after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await server.start();
  return server;
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => {
            resolve((server.address() as { port: number }).port);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What a server answers to one of ZooKeeper's commands; empty: nothing. */
export function fourLetters(port: number, command: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect({ host, port }, () => socket.write(command));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
  });
}
