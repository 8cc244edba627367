// One connection to a member of a modelled ZooKeeper: the session that it is for, and questions one
// after another, each answered before the next is looked at.

import type { Connection } from '../../../src/io/index.ts';
import { JuteReader, JuteWriter } from '../../../src/metadata/engines/zookeeper/jute.ts';
import {
  type Change,
  decodeConnect,
  encodeAnswer,
  encodeConnectAnswer,
  errorCode,
  opCode,
  passwordBytes,
  reservedXid,
  type WatchEvent,
  writeAcl,
  writeStat,
} from '../../../src/metadata/engines/zookeeper/protocol.ts';
import { FrameReader } from '../../../src/network/index.ts';
import type { EnclosingMember, Session, Watcher } from './parts.ts';
import { readChange, readMulti } from './requests.ts';
import type { Transaction } from './tree.ts';

interface Question {
  readonly xid: number;
  readonly operation: number;
  readonly body: JuteReader;
}

interface Reply {
  readonly error: number;
  readonly body?: Buffer;
}

const changeCodes = new Map<number, Change['kind']>([
  [opCode.create, 'create'],
  [opCode.delete, 'delete'],
  [opCode.setData, 'setData'],
]);

/** What else only the leader can answer. */
const leadersCodes: readonly number[] = [opCode.multi, opCode.closeSession, opCode.sync];

export class ServerConnection implements Watcher {
  readonly #member: EnclosingMember;
  readonly #connection: Connection;
  readonly #reader: FrameReader;
  readonly #questions: Question[] = [];
  #session: Session | null = null;
  #isBusy = false;
  #isClosed = false;

  constructor(member: EnclosingMember, connection: Connection) {
    this.#member = member;
    this.#connection = connection;
    const { frameBytesMax } = member.ensemble;
    this.#reader = new FrameReader({ frameBytesMin: 0, frameBytesMax });
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onClose = () => this.close();
  }

  get sessionId(): bigint | null {
    return this.#session?.id ?? null;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#connection.destroy();
    this.#member.forget(this);
  }

  onSessionEnd(): void {
    this.#connection.end();
    this.close();
  }

  sendEvent({ type, path }: WatchEvent): void {
    const body = new JuteWriter().int(type).int(3).text(path).finish();
    this.#send(encodeAnswer({ xid: reservedXid.watch, zxid: -1n, error: 0 }, body));
  }

  #send(frame: Buffer): void {
    if (!this.#isClosed) this.#connection.write([frame]);
  }

  #onData(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#reader.feed(chunk);
    try {
      while (!this.#isClosed) {
        const frame = this.#reader.next();
        if (frame === null) return;
        this.#onFrame(frame);
      }
    } catch {
      // What is too large, or is no request, ends the connection, as in ZooKeeper.
      this.close();
    }
  }

  #onFrame(frame: Buffer): void {
    if (this.#session === null) {
      this.#greet(frame);
      return;
    }
    const { ensemble, isApart } = this.#member;
    if (!isApart && ensemble.sessions.has(this.#session.id)) ensemble.touch(this.#session);
    const body = new JuteReader(frame);
    this.#questions.push({ xid: body.int(), operation: body.int(), body });
    this.#next();
  }

  #greet(frame: Buffer): void {
    const { ensemble } = this.#member;
    const asked = decodeConnect(frame);
    // The client has seen what this member has not.
    if (asked.lastZxid > this.#member.madeZxid) {
      this.close();
      return;
    }
    // Only the leader knows of sessions.
    if (this.#member.isApart) return;
    const known = ensemble.sessions.get(asked.sessionId);
    const isKnown = known?.password.equals(asked.password) === true;
    if (asked.sessionId !== 0n && !isKnown) {
      const password = Buffer.alloc(passwordBytes);
      this.#send(encodeConnectAnswer({ timeoutMs: 0, sessionId: 0n, password }));
      this.onSessionEnd();
      return;
    }
    const session = isKnown && known ? known : ensemble.beginSession(asked.timeoutMs);
    this.#session = session;
    session.owner = this;
    ensemble.touch(session);
    this.#member.closeOlder(this);
    const { timeoutMs, id, password } = session;
    const welcome = encodeConnectAnswer({ timeoutMs, sessionId: id, password });
    // That one began is a change, and is told when it is made here.
    this.#member.whenMade(isKnown ? 0n : ensemble.zxid, () => this.#send(welcome));
  }

  #next(): void {
    while (!this.#isBusy && !this.#isClosed) {
      const question = this.#questions.shift();
      if (question === undefined) return;
      this.#isBusy = true;
      this.#answer(question);
    }
  }

  #reply({ xid }: Question, { error, body }: Reply): void {
    this.#send(encodeAnswer({ xid, zxid: this.#member.madeZxid, error }, body));
    this.#isBusy = false;
    this.#next();
  }

  #answer(question: Question): void {
    const { operation, body } = question;
    const kind = changeCodes.get(operation);
    const isForLeader = kind !== undefined || leadersCodes.includes(operation);
    // It is waited for, until one of both hangs up.
    if (isForLeader && this.#member.isApart) return;
    if (kind !== undefined) {
      this.#change(question, [readChange(kind, body)]);
    } else if (operation === opCode.multi) {
      this.#change(question, readMulti(body));
    } else if (operation === opCode.closeSession) {
      const { id } = this.#session as Session;
      this.#reply(question, { error: 0 });
      if (this.#member.ensemble.sessions.has(id)) this.#member.ensemble.endSession(id);
    } else if (operation === opCode.sync) {
      const path = body.text();
      const { zxid } = this.#member.ensemble;
      this.#member.whenMade(zxid, () => {
        this.#reply(question, { error: 0, body: new JuteWriter().text(path).finish() });
      });
    } else if (operation === opCode.ping) this.#reply(question, { error: 0 });
    else this.#reply(question, this.#read(operation, body));
  }

  #read(operation: number, body: JuteReader): Reply {
    const { tree } = this.#member;
    if (operation === opCode.auth) return { error: 0 };
    if (operation === opCode.getAcl) return this.#readAcl(body.text());
    const isRead =
      operation === opCode.exists ||
      operation === opCode.getData ||
      operation === opCode.getChildren2;
    if (!isRead) return { error: errorCode.unimplemented };
    const path = body.text();
    const isWatched = body.bool();
    const stat = tree.stat(path);
    const kind = operation === opCode.getChildren2 ? 'children' : 'value';
    const isSet = isWatched && (stat !== null || operation === opCode.exists);
    if (isSet) this.#member.watch(kind, path, this);
    if (stat === null) return { error: errorCode.noNode };
    const writer = new JuteWriter();
    if (operation === opCode.getData) writer.bytes(tree.value(path));
    if (operation === opCode.getChildren2) {
      writer.vector(tree.children(path), (each, name) => each.text(name));
    }
    return { error: 0, body: writeStat(writer, stat).finish() };
  }

  #readAcl(path: string): Reply {
    const { tree } = this.#member;
    const stat = tree.stat(path);
    if (stat === null) return { error: errorCode.noNode };
    const writer = writeAcl(new JuteWriter(), tree.acl(path));
    return { error: 0, body: writeStat(writer, stat).finish() };
  }

  #change(question: Question, changes: readonly Change[]): void {
    const { ensemble } = this.#member;
    const session = this.#session as Session;
    if (!ensemble.sessions.has(session.id)) {
      this.#reply(question, { error: errorCode.sessionExpired });
      return;
    }
    // It comes late, by a connection that the session has left.
    if (session.owner !== this) {
      this.#reply(question, { error: errorCode.sessionMoved });
      return;
    }
    const transaction = ensemble.decide(session.id, changes);
    this.#member.whenMade(transaction.zxid, () => {
      this.#reply(question, this.#resultOf(question.operation, transaction));
    });
  }

  #resultOf(operation: number, { zxid, changes, failure }: Transaction): Reply {
    const results = this.#member.takeResults(zxid);
    const writer = new JuteWriter();
    if (operation !== opCode.multi) {
      if (failure !== null) return { error: failure.error };
      if (operation === opCode.create) writer.text((changes[0] as Change).path);
      const stat = results[0]?.stat;
      if (stat) writeStat(writer, stat);
      return { error: 0, body: writer.finish() };
    }
    for (const [at, change] of changes.entries()) {
      if (failure !== null) {
        const after = at > failure.at ? errorCode.runtimeInconsistency : errorCode.ok;
        const error = at === failure.at ? failure.error : after;
        writer.int(-1).bool(false).int(error).int(error);
        continue;
      }
      writer.int(opCode[change.kind]).bool(false).int(0);
      if (change.kind === 'create') writer.text(change.path);
      const stat = results[at]?.stat;
      if (stat) writeStat(writer, stat);
    }
    writer.int(-1).bool(true).int(-1);
    // The whole is answered as if nothing was wrong: the steps say it.
    return { error: 0, body: writer.finish() };
  }
}
