// What is watched at etcd: one stream for all keys and folders, opened anew when they change, when
// it ends, when another member is asked, and when nothing was heard on it for long.
//
// Invariants: a watch begins at the present and never resumes at a revision, and whoever watches
// is called once it has begun: so what happened in between, or was compacted away, is looked up
// and not missed; the stream demands a leader, so that a member that is cut off ends it.

import type { Io, Timer } from '../../../io/index.ts';
import { KafkaError } from '../../../protocol/index.ts';
import type { KeyWatch } from '../keyed/key-store.ts';
import type { EtcdClient, Json } from './etcd-client.ts';
import type { EtcdKeys } from './etcd-keys.ts';
import { type HttpConnection, HttpLostError } from './http-connection.ts';

interface Watched {
  readonly key: string;
  readonly kind: 'value' | 'folder';
  readonly onChange: () => void;
  isDue: boolean;
  isClosed: boolean;
}

const retryMsMin = 50;
const retryMsMax = 1_000;
/** etcd sends nothing on a quiet stream: one that may be deaf is not listened to for longer. */
const silenceMsMax = 30_000;
const lineBytesMax = 64 * 1024 * 1024;

export class EtcdWatcher {
  readonly #io: Io;
  readonly #client: EtcdClient;
  readonly #keys: EtcdKeys;
  readonly #watched = new Set<Watched>();
  #stream: WatchStream | null = null;
  #isOpening = false;
  /** What is watched is not what the stream has. */
  #isStale = false;
  #retryMs = retryMsMin;
  #retryTimer: Timer | null = null;
  #isClosed = false;

  constructor(io: Io, client: EtcdClient, keys: EtcdKeys) {
    this.#io = io;
    this.#client = client;
    this.#keys = keys;
  }

  watch(key: string, kind: 'value' | 'folder', onChange: () => void): KeyWatch {
    const watched: Watched = { key, kind, onChange, isDue: false, isClosed: false };
    this.#watched.add(watched);
    this.restart();
    const close = (): void => {
      if (watched.isClosed) return;
      watched.isClosed = true;
      this.#watched.delete(watched);
      this.restart();
    };
    return { close };
  }

  /** Several in one turn are one. */
  restart(): void {
    if (this.#isStale || this.#isClosed) return;
    this.#isStale = true;
    this.#io.clock.nextTurn(() => void this.#open());
  }

  async #open(): Promise<void> {
    if (this.#isOpening || this.#isClosed || !this.#isStale) return;
    this.#retryTimer?.cancel();
    this.#stream?.end();
    this.#stream = null;
    this.#isStale = false;
    if (this.#watched.size === 0) return;
    this.#isOpening = true;
    const stream = new WatchStream(this.#io, [...this.#watched], {
      onHeard: (watched) => this.#onHeard(watched),
      onEnd: () => this.#onEnd(stream),
    });
    this.#stream = stream;
    try {
      await stream.open(this.#client, this.#keys);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#onEnd(stream);
    }
    this.#isOpening = false;
    if (this.#isStale) void this.#open();
  }

  #onHeard(watched: Watched): void {
    this.#retryMs = retryMsMin;
    if (watched.isDue || watched.isClosed) return;
    watched.isDue = true;
    this.#io.clock.nextTurn(() => {
      watched.isDue = false;
      if (!watched.isClosed && !this.#isClosed) watched.onChange();
    });
  }

  #onEnd(stream: WatchStream): void {
    if (stream !== this.#stream || this.#isClosed) return;
    this.#stream = null;
    const retryMs = this.#retryMs * (0.5 + this.#io.random.float());
    this.#retryMs = Math.min(this.#retryMs * 2, retryMsMax);
    this.#retryTimer = this.#io.clock.after(retryMs, () => this.restart());
  }

  close(): void {
    this.#isClosed = true;
    this.#retryTimer?.cancel();
    this.#stream?.end();
    this.#stream = null;
  }
}

interface WatchStreamEvents {
  onHeard(watched: Watched): void;
  /** Once; not after `end`. */
  onEnd(): void;
}

/** One stream, over what was watched when it was opened. */
class WatchStream {
  readonly #io: Io;
  readonly #watched: readonly Watched[];
  readonly #events: WatchStreamEvents;
  readonly #rest: Buffer[] = [];
  #restBytes = 0;
  #connection: HttpConnection | null = null;
  #silence: Timer | null = null;
  #isOver = false;

  constructor(io: Io, watched: readonly Watched[], events: WatchStreamEvents) {
    this.#io = io;
    this.#watched = watched;
    this.#events = events;
  }

  /** @throws KafkaError as the client */
  async open(client: EtcdClient, keys: EtcdKeys): Promise<void> {
    const requests = this.#watched.map(({ key, kind }, index) => ({
      create_request: {
        ...(kind === 'value' ? { key: keys.key(key) } : keys.below(key)),
        watch_id: index + 1,
        fragment: true,
      },
    }));
    const body = requests.map((request) => JSON.stringify(request)).join('\n');
    const connection = await client.stream('/v3/watch', body, {
      onPart: (part) => this.#onPart(part),
      onEnd: () => this.#onOver(),
    });
    this.#connection = connection;
    if (this.#isOver) this.end();
    else this.#listen();
  }

  #listen(): void {
    this.#silence?.cancel();
    this.#silence = this.#io.clock.after(silenceMsMax, () => this.#onOver());
  }

  #onPart(part: Buffer): void {
    if (this.#isOver) return;
    this.#listen();
    let start = 0;
    for (let end = part.indexOf(10); end >= 0; end = part.indexOf(10, start)) {
      this.#rest.push(part.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(this.#rest.splice(0)).toString();
      this.#restBytes = 0;
      if (line !== '' && !this.#isOver) this.#onLine(line);
    }
    this.#restBytes += part.length - start;
    if (part.length > start) this.#rest.push(part.subarray(start));
    if (this.#restBytes > lineBytesMax) this.#onOver();
  }

  #onLine(line: string): void {
    const result = parseResult(line);
    const watched = this.#watched[Number(result?.watch_id ?? 0) - 1];
    // A refusal, a watch that etcd gave up (compacted, no leader) and garbage end all of it.
    if (result === null || result.canceled === true || watched === undefined) this.#onOver();
    else this.#events.onHeard(watched);
  }

  #onOver(): void {
    if (this.#isOver) return;
    this.end();
    this.#events.onEnd();
  }

  end(): void {
    this.#isOver = true;
    this.#silence?.cancel();
    this.#connection?.lose(new HttpLostError('nobody listens any more'));
  }
}

function parseResult(line: string): Json | null {
  try {
    const { result } = JSON.parse(line) as { result?: Json };
    return typeof result === 'object' ? result : null;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    return null;
  }
}
