// A connection in name only: its bytes and its end come from the test, which sees what becomes
// of it.

import type { Connection } from '../../../src/io/index.ts';

export class ScriptedConnection implements Connection {
  readonly localHost = '10.0.0.1';
  readonly localPort = 9093;
  readonly remoteHost: string;
  readonly remotePort = 1;
  readonly bufferedBytes = 0;
  onData: (chunk: Buffer) => void = () => {};
  onDrain: () => void = () => {};
  onClose: (error: Error | null) => void = () => {};
  isPaused = false;
  isDestroyed = false;

  constructor(remoteHost: string) {
    this.remoteHost = remoteHost;
  }

  write(): boolean {
    return true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {}

  destroy(): void {
    this.isDestroyed = true;
  }
}
