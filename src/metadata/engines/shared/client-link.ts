// One connection to the server of a shared store, as the client has it: calls out, answers by id,
// news as it comes.
//
// Invariants: a call is settled once; when the connection is gone every open call fails with
// LinkLostError, and nobody knows whether it was carried out; news and answers are handed on in the
// order in which the server sent them.

import type { Connection, Io } from '../../../io/index.ts';
import { FrameError, FrameReader } from '../../../network/index.ts';
import { KafkaError, MalformedError } from '../../../protocol/index.ts';
import * as messages from './messages.ts';

/** The connection broke: what was asked on it was carried out or not. */
export class LinkLostError extends KafkaError {
  constructor(why: string) {
    super('NETWORK_EXCEPTION', why);
    this.name = 'LinkLostError';
  }
}

/** There was no connection for so long that whoever waited for one waits no longer. */
export class StoreAwayError extends LinkLostError {
  constructor(why: string) {
    super(why);
    this.name = 'StoreAwayError';
  }
}

export interface LinkEvents {
  onNews(frame: messages.Frame): void;
  /** Once, after the open calls have failed. */
  onLost(error: Error): void;
}

interface OpenCall {
  readonly call: messages.Call;
  readonly onAnswer: (answer: unknown) => void;
  readonly onError: (error: Error) => void;
}

export class ClientLink {
  readonly #connection: Connection;
  readonly #events: LinkEvents;
  readonly #address: string;
  readonly #reader = new FrameReader({
    frameBytesMin: messages.frameBytesMin,
    frameBytesMax: messages.frameBytesMax,
  });
  readonly #open = new Map<number, OpenCall>();
  #nextId = 1;
  #error: Error | null = null;
  /** Something came since it was last set. */
  hasHeard = true;

  private constructor(connection: Connection, address: string, events: LinkEvents) {
    this.#connection = connection;
    this.#address = address;
    this.#events = events;
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onClose = (error) => this.lose(error?.message ?? 'it was closed');
  }

  /** @throws IoError */
  static async open(
    io: Io,
    to: { readonly host: string; readonly port: number; readonly timeoutMs: number },
    events: LinkEvents,
  ): Promise<ClientLink> {
    const connection = await io.network.connect(to);
    return new ClientLink(connection, `${to.host}:${to.port}`, events);
  }

  get isLost(): boolean {
    return this.#error !== null;
  }

  /** @throws KafkaError what the server answers; LinkLostError */
  call<C extends messages.Call>(
    call: C,
    request: messages.RequestTo<C>,
  ): Promise<messages.AnswerOf<C>> {
    return new Promise((resolve, reject) => this.ask(call, request, resolve, reject));
  }

  /** The same; called back in the turn of the answer, before anything that came behind it. */
  ask<C extends messages.Call>(
    call: C,
    request: messages.RequestTo<C>,
    onAnswer: (answer: messages.AnswerOf<C>) => void,
    onError: (error: Error) => void,
  ): void {
    if (this.#error !== null) {
      onError(this.#error);
      return;
    }
    const id = this.#nextId;
    this.#nextId = id === 0x7fff_ffff ? 1 : id + 1;
    const frame = messages.encodeCall(call, id, request);
    this.#open.set(id, { call, onAnswer: onAnswer as OpenCall['onAnswer'], onError });
    this.#connection.write(frame);
  }

  #onData(chunk: Buffer): void {
    if (this.#error !== null) return;
    this.hasHeard = true;
    this.#reader.feed(chunk);
    try {
      for (let frame = this.#next(); frame !== null; frame = this.#next()) this.#onFrame(frame);
    } catch (error) {
      if (!(error instanceof FrameError || error instanceof MalformedError)) throw error;
      this.lose(`it sent what makes no sense (${error.message})`);
    }
  }

  #next(): Buffer | null {
    return this.#error === null ? this.#reader.next() : null;
  }

  #onFrame(bytes: Buffer): void {
    const frame = messages.parseFrame(bytes);
    if (frame.id === 0) {
      this.#events.onNews(frame);
      return;
    }
    const open = this.#open.get(frame.id);
    const outcome = open && messages.answerIn(frame, open.call);
    if (open === undefined || outcome === undefined) {
      throw new MalformedError(`a frame of kind ${frame.kind} to no call`);
    }
    this.#open.delete(frame.id);
    if ('error' in outcome) open.onError(outcome.error);
    else open.onAnswer(outcome.answer);
  }

  /** It cannot be used any more. */
  lose(why: string): void {
    if (this.#error !== null) return;
    const error = new LinkLostError(`the connection to the store at ${this.#address}: ${why}`);
    this.#error = error;
    this.#connection.destroy();
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { onError } of open) onError(error);
    this.#events.onLost(error);
  }
}
