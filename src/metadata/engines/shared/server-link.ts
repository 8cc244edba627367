// One connection as the server has it: calls come in and are carried out in their order, answers
// leave as they are ready, news in between.
//
// Invariants: a connection does nothing before its hello, and nothing for a session that has
// another connection since; input that makes no sense ends this connection with one line, and
// harms nobody else.

import type { Connection, Io, Timer } from '../../../io/index.ts';
import { FrameError, FrameReader } from '../../../network/index.ts';
import { decodeStruct, KafkaError } from '../../../protocol/index.ts';
import { isExpectedFailure } from '../../../storage/index.ts';
import type { BrokerProcess, StoreBatch } from '../../cluster-store.ts';
import type { LocalStore } from '../local/local-store.ts';
import * as messages from './messages.ts';
import type { ServerSession } from './server-session.ts';
import { SnapshotReads, SnapshotWrite } from './snapshot-transfer.ts';

/** What the server is to its connections. */
export interface LinkOwner {
  readonly store: LocalStore;
  /** -1: nobody was elected since the server began. */
  readonly controllerId: number;
  /** The client's session if it lives, or a new one. */
  sessionFor(hello: Hello): ServerSession;
  welcome(session: ServerSession): messages.AnswerOf<typeof messages.hello>;
  onHeard(session: ServerSession): void;
  onGoodbye(session: ServerSession): Promise<void>;
  expel(process: BrokerProcess): Promise<void>;
  onClosed(link: ServerLink): void;
  onBug(error: Error): void;
}

export type Hello = messages.AnswerOf<{
  readonly name: string;
  readonly kind: number;
  readonly request: typeof messages.hello.request;
  readonly answer: typeof messages.hello.request;
}>;

const helloMsMax = 10_000;
/** A client that takes no news for so many bytes comes back and reads the log instead. */
const outputBytesMax = 64 * 1024 * 1024;
const callsMax = 10_000;
/** Of batches in one answer, unless a single one is larger. */
const readBytes = 1024 * 1024;

type Handler = (session: ServerSession, body: Buffer) => Promise<unknown>;

export class ServerLink {
  readonly #io: Io;
  readonly #connection: Connection;
  readonly #owner: LinkOwner;
  readonly #snapshotReads = new SnapshotReads();
  readonly #handlers: ReadonlyMap<number, { call: messages.Call; handle: Handler }>;
  #reader = new FrameReader({
    frameBytesMin: messages.frameBytesMin,
    frameBytesMax: messages.helloBytesMax,
  });
  #snapshotWrite: SnapshotWrite | null = null;
  #session: ServerSession | null = null;
  #callsUnderWay = 0;
  #isClosed = false;
  readonly #helloTimer: Timer;

  constructor(io: Io, connection: Connection, owner: LinkOwner) {
    this.#io = io;
    this.#connection = connection;
    this.#owner = owner;
    this.#handlers = this.#makeHandlers();
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onClose = () => this.#onClose();
    this.#helloTimer = io.clock.after(helloMsMax, () => {
      if (this.#session === null) this.#refuse('it does not say who it is');
    });
  }

  /** Whether news is for it. */
  get isWelcomed(): boolean {
    return this.#session !== null && !this.#isClosed;
  }

  send(frame: readonly Buffer[]): void {
    if (this.#isClosed) return;
    if (this.#connection.bufferedBytes > outputBytesMax) this.close('it does not read');
    else this.#connection.write(frame);
  }

  close(why: string): void {
    if (this.#isClosed) return;
    this.#io.log.info(`the connection from ${this.#peer} is closed: ${why}`);
    this.#connection.end();
    this.#onClose();
  }

  get #peer(): string {
    return `${this.#connection.remoteHost}:${this.#connection.remotePort}`;
  }

  #refuse(why: string): void {
    if (this.#isClosed) return;
    this.#io.log.warn(`a connection from ${this.#peer} to the cluster store is refused: ${why}`);
    this.#connection.end();
    this.#onClose();
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // It would keep the process of a store that has stopped.
    this.#helloTimer.cancel();
    if (this.#session?.link === this) this.#session.link = null;
    this.#snapshotWrite?.abort('the connection was lost');
    this.#owner.onClosed(this);
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#reader.feed(chunk);
    try {
      for (let frame = this.#next(); frame !== null; frame = this.#next()) this.#onFrame(frame);
    } catch (error) {
      const isInput = error instanceof FrameError || messages.isMalformed(error);
      if (!isInput) throw error;
      this.#refuse((error as Error).message);
    }
  }

  #next(): Buffer | null {
    return this.#isClosed ? null : this.#reader.next();
  }

  #onFrame(bytes: Buffer): void {
    const frame = messages.parseFrame(bytes);
    const session = this.#session;
    if (session === null) {
      this.#onHello(frame);
      return;
    }
    this.#owner.onHeard(session);
    const handler = this.#handlers.get(frame.kind);
    if (handler === undefined) this.#refuse(`there is no call of kind ${frame.kind}`);
    else if (this.#callsUnderWay >= callsMax) this.#refuse('it asks too much at once');
    else void this.#serve(frame, session, handler);
  }

  async #serve(
    { id, body }: messages.Frame,
    session: ServerSession,
    { call, handle }: { call: messages.Call; handle: Handler },
  ): Promise<void> {
    this.#callsUnderWay += 1;
    try {
      this.send(messages.encodeAnswer(call, id, await handle(session, body)));
    } catch (error) {
      if (messages.isMalformed(error)) this.#refuse(error.message);
      else if (error instanceof KafkaError) this.send(messages.encodeFailure(id, error));
      else if (isExpectedFailure(error)) this.send(messages.encodeFailure(id, asStorage(error)));
      else this.#owner.onBug(error as Error);
    } finally {
      this.#callsUnderWay -= 1;
    }
  }

  #onHello(frame: messages.Frame): void {
    const layoutVersion = messages.layoutVersionOf(frame);
    if (layoutVersion === null) {
      this.#refuse('it does not speak to a cluster store (is this port meant for clients?)');
      return;
    }
    if (layoutVersion !== messages.LAYOUT_VERSION) {
      const why = `it speaks version ${layoutVersion} and the store ${messages.LAYOUT_VERSION}`;
      this.send(messages.encodeFailure(frame.id, new KafkaError('UNSUPPORTED_VERSION', why)));
      this.#refuse(why);
      return;
    }
    const hello = decodeStruct(messages.hello.request, 0, frame.body);
    const { clusterId } = this.#owner.store;
    if (hello.clusterId !== null && hello.clusterId !== clusterId) {
      const why = `it is of cluster ${hello.clusterId}, and this is the store of ${clusterId}`;
      this.send(messages.encodeFailure(frame.id, new KafkaError('INCONSISTENT_CLUSTER_ID', why)));
      this.#refuse(why);
      return;
    }
    if (this.#reader.bufferedBytes > 0) {
      this.#refuse('it went on before it was answered');
      return;
    }
    const { frameBytesMin, frameBytesMax } = messages;
    this.#reader = new FrameReader({ frameBytesMin, frameBytesMax });
    const session = this.#owner.sessionFor(hello);
    session.attach(this);
    this.#session = session;
    this.#owner.onHeard(session);
    this.send(messages.encodeAnswer(messages.hello, frame.id, this.#owner.welcome(session)));
    session.tellAgain();
  }

  #makeHandlers(): ReadonlyMap<number, { call: messages.Call; handle: Handler }> {
    const { store } = this.#owner;
    const handlers = new Map<number, { call: messages.Call; handle: Handler }>();
    const on = <C extends messages.Call>(
      call: C,
      handle: (session: ServerSession, request: RequestIn<C>) => Promise<unknown>,
    ): void => {
      const decoded: Handler = (session, body) =>
        handle(session, decodeStruct(call.request, 0, body) as RequestIn<C>);
      handlers.set(call.kind, { call, handle: async (session, body) => decoded(session, body) });
    };
    on(messages.ping, async () => {
      const { endOffset, bytesSinceSnapshot } = store;
      return { endOffset, bytesSinceSnapshot };
    });
    on(messages.goodbye, async (session) => {
      await this.#owner.onGoodbye(session);
      return {};
    });
    on(messages.append, async (session, { records, ...options }) => {
      session.assertHolds(options.controllerEpoch);
      if (records.length === 0) throw new KafkaError('INVALID_REQUEST', 'a batch has records');
      await store.append(records, options);
      return {};
    });
    on(messages.confirm, async (session, { controllerEpoch }) => {
      session.assertHolds(controllerEpoch);
      await store.confirm(controllerEpoch);
      return {};
    });
    on(messages.read, async (_, { from }) => ({ batches: await pageOf(store, from) }));
    on(messages.openSnapshot, async () => {
      const snapshot = await store.newestSnapshot();
      if (snapshot === null) {
        const none = { endOffset: 0, controllerEpoch: 0, controllerId: -1, timestampMs: 0 };
        return { snapshotId: -1, ...none };
      }
      const { controllerId } = this.#owner;
      const { endOffset, controllerEpoch, timestampMs } = snapshot;
      const snapshotId = this.#snapshotReads.add(snapshot);
      return { snapshotId, endOffset, controllerEpoch, controllerId, timestampMs };
    });
    on(messages.readPiece, (_, { snapshotId }) => this.#snapshotReads.next(snapshotId));
    on(messages.saveSnapshot, (session, request) => this.#saveSnapshot(session, request));
    on(messages.savePiece, (_, piece) => this.#savePiece(piece));
    on(messages.elect, (session, { electionId, nodeId }) => session.elect(electionId, nodeId));
    on(messages.release, async (session, { electionId }) => {
      await session.release(electionId);
      return {};
    });
    on(messages.register, async (session, { registrationId, broker: [broker] }) => {
      if (broker === undefined) throw new KafkaError('INVALID_REQUEST', 'no broker is named');
      await session.register(registrationId, broker);
      return {};
    });
    on(messages.unregister, async (session, { registrationId }) => {
      await session.unregister(registrationId);
      return {};
    });
    on(messages.expel, async (_, process) => {
      await this.#owner.expel(process);
      return {};
    });
    return handlers;
  }

  async #saveSnapshot(
    session: ServerSession,
    { savingEpoch, ...snapshot }: RequestIn<typeof messages.saveSnapshot>,
  ): Promise<unknown> {
    const { store } = this.#owner;
    session.assertHolds(savingEpoch);
    if (snapshot.endOffset > store.endOffset) {
      const why = `a snapshot up to ${snapshot.endOffset} of a log that ends at ${store.endOffset}`;
      throw new KafkaError('INVALID_REQUEST', why);
    }
    this.#snapshotWrite?.abort('another one has begun');
    this.#snapshotWrite = new SnapshotWrite((pieces) =>
      store.saveSnapshot({ ...snapshot, pieces }, savingEpoch),
    );
    return {};
  }

  async #savePiece(piece: RequestIn<typeof messages.savePiece>): Promise<unknown> {
    const write = this.#snapshotWrite;
    if (write === null) throw new KafkaError('INVALID_REQUEST', 'no snapshot is under way');
    if (piece.isEnd) this.#snapshotWrite = null;
    if (!piece.isEnd) await write.add(piece.records);
    else if (piece.isWhole) await write.finish();
    else write.abort('its writer gave it up');
    return {};
  }
}

type RequestIn<C extends messages.Call> = messages.AnswerOf<{
  readonly name: string;
  readonly kind: number;
  readonly request: C['request'];
  readonly answer: C['request'];
}>;

async function pageOf(store: LocalStore, from: number): Promise<StoreBatch[]> {
  if (from < 0) throw new KafkaError('OFFSET_OUT_OF_RANGE', `there is no offset ${from}`);
  const batches: StoreBatch[] = [];
  let bytes = 0;
  for await (const batch of store.read(from)) {
    batches.push(batch);
    for (const { length } of batch.records) bytes += length;
    if (bytes >= readBytes) break;
  }
  return batches;
}

function asStorage(error: Error): KafkaError {
  return new KafkaError('KAFKA_STORAGE_ERROR', error.message);
}
