// A network, real or simulated, on which a test cuts one process off, and loses its next change or
// the answer to it, whatever the protocol: who uses it says what a change looks like.

import {
  type Connection,
  type ConnectOptions,
  type Io,
  IoError,
  type Network,
} from '../../../src/io/index.ts';

type Faults = FaultyNetwork;

export class FaultyNetwork implements Network {
  readonly #io: Io;
  readonly isChange: (bytes: Buffer) => boolean;
  readonly connections = new Set<FaultyConnection>();
  loss: 'request' | 'answer' | null = null;
  isCut = false;
  /** How many changes were sent, lost ones too. */
  changeCount = 0;

  constructor(io: Io, isChange: (bytes: Buffer) => boolean) {
    this.#io = io;
    this.isChange = isChange;
  }

  /** The same Io, but for this network. */
  get io(): Io {
    const { clock, disk, random, log } = this.#io;
    return { clock, disk, random, log, network: this };
  }

  listen(...args: Parameters<Network['listen']>): ReturnType<Network['listen']> {
    return this.#io.network.listen(...args);
  }

  http(...args: Parameters<Network['http']>): ReturnType<Network['http']> {
    return this.#io.network.http(...args);
  }

  hostName(): Promise<string> {
    return this.#io.network.hostName();
  }

  async connect(options: ConnectOptions): Promise<Connection> {
    if (this.isCut) {
      await this.#io.clock.sleep(options.timeoutMs ?? 60_000);
      throw new IoError('ETIMEDOUT', `cannot connect to ${options.host}: it was cut off`);
    }
    const connection = new FaultyConnection(this, await this.#io.network.connect(options));
    this.connections.add(connection);
    return connection;
  }

  cut(): void {
    this.isCut = true;
  }

  /** What was on its way arrives, where the connection is still there. */
  heal(): void {
    this.isCut = false;
    for (const connection of this.connections) connection.release();
  }
}

class FaultyConnection implements Connection {
  readonly #faults: Faults;
  readonly #connection: Connection;
  readonly #heldOut: (readonly Buffer[])[] = [];
  readonly #heldIn: Buffer[] = [];
  #isDeaf = false;
  onData: (chunk: Buffer) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (error: Error | null) => void = () => {};

  constructor(faults: Faults, connection: Connection) {
    this.#faults = faults;
    this.#connection = connection;
    connection.onData = (chunk) => {
      if (this.#isDeaf) return this.#breakOff();
      if (this.#faults.isCut) this.#heldIn.push(Buffer.from(chunk));
      else this.onData(chunk);
    };
    connection.onDrain = () => this.onDrain();
    connection.onClose = (error) => {
      this.#faults.connections.delete(this);
      this.onClose(error);
    };
  }

  write(chunks: readonly Buffer[]): boolean {
    const { loss } = this.#faults;
    if (this.#faults.isChange(Buffer.concat(chunks))) {
      this.#faults.changeCount += 1;
      this.#faults.loss = null;
      if (loss === 'request') {
        this.#breakOff();
        return false;
      }
      // The answer is cut off when it comes: then the system has made the change.
      this.#isDeaf = loss === 'answer';
    }
    if (!this.#faults.isCut) return this.#connection.write(chunks);
    this.#heldOut.push(chunks);
    return true;
  }

  release(): void {
    for (const chunks of this.#heldOut.splice(0)) this.#connection.write(chunks);
    for (const chunk of this.#heldIn.splice(0)) this.onData(chunk);
  }

  #breakOff(): void {
    this.#connection.destroy();
  }

  get bufferedBytes(): number {
    return this.#connection.bufferedBytes;
  }

  get localHost(): string {
    return this.#connection.localHost;
  }

  get localPort(): number {
    return this.#connection.localPort;
  }

  get remoteHost(): string {
    return this.#connection.remoteHost;
  }

  get remotePort(): number {
    return this.#connection.remotePort;
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#heldOut.splice(0);
    this.#heldIn.splice(0);
    this.#connection.destroy();
  }
}
