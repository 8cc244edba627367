// A broker and the clients that a test asks for, each started once and ended together.
//
// INTEROP_BOOTSTRAP_SERVERS=host:port puts another broker in its place, such as Apache Kafka.

import { BrokerProcess } from '../broker-process.ts';
import type { ClientProgram } from './client-program.ts';
import type { ClientKind } from './client-programs.ts';

const elsewhere = process.env.INTEROP_BOOTSTRAP_SERVERS;

export class RunningClients {
  readonly broker: BrokerProcess | null;
  readonly #programs = new Map<string, Promise<ClientProgram>>();

  private constructor(broker: BrokerProcess | null) {
    this.broker = broker;
  }

  static async start(config: Readonly<Record<string, string>> = {}): Promise<RunningClients> {
    return new RunningClients(elsewhere ? null : await BrokerProcess.start({ config }));
  }

  get bootstrapServers(): string {
    return this.broker?.bootstrapServers ?? (elsewhere as string);
  }

  /** The same program for the same kind and role. */
  get(kind: ClientKind, role = ''): Promise<ClientProgram> {
    const name = `${kind.name} ${role}`;
    let program = this.#programs.get(name);
    if (program === undefined) {
      program = kind.start(this.bootstrapServers);
      this.#programs.set(name, program);
    }
    return program;
  }

  async kill(kind: ClientKind, role = ''): Promise<void> {
    const program = await this.get(kind, role);
    this.#programs.delete(`${kind.name} ${role}`);
    await program.kill();
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#programs.values()].map(async (one) => (await one).kill()));
    await this.broker?.dispose();
  }
}

let topics = 0;

/** A topic of its own for every run, since a broker elsewhere keeps them. */
export function newTopic(name: string): string {
  return `${name}-${process.pid}-${++topics}`;
}
