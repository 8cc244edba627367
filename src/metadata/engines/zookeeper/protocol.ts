// ZooKeeper's requests and answers as they travel: numbers of operations and of errors, and how
// each is written and read, from both ends. Source: zookeeper.jute and org.apache.zookeeper
// (ZooDefs, KeeperException.Code) of ZooKeeper 3.4 to 3.9, which share all that is here.

import { JuteReader, JuteWriter } from './jute.ts';

export const opCode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  closeSession: -11,
} as const;

export type Operation = keyof typeof opCode;

export const errorCode = {
  ok: 0,
  runtimeInconsistency: -2,
  marshallingError: -5,
  unimplemented: -6,
  badArguments: -8,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidAcl: -114,
  authFailed: -115,
  sessionMoved: -118,
  /** Servers that demand SASL say it and hang up. */
  requiresSasl: -124,
} as const;

/** As ZooKeeper's documentation calls it. */
export function errorName(code: number): string {
  const found = Object.entries(errorCode).find(([, each]) => each === code);
  return found === undefined ? `error ${code}` : found[0];
}

/** Of what comes without having been asked for, or outside the order of the questions. */
export const reservedXid = { watch: -1, ping: -2, auth: -4, setWatches: -8 } as const;

export const eventType = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const;

/** `jute.maxbuffer` unless somebody raised it: a server drops a connection with a larger frame. */
export const requestBytesMax = 0xfffff;

export const passwordBytes = 16;

export interface ConnectRequest {
  /** The newest change that the client has seen: a server that lags behind it sends it away. */
  readonly lastZxid: bigint;
  readonly timeoutMs: number;
  /** 0n: a new session. */
  readonly sessionId: bigint;
  readonly password: Buffer;
}

export interface ConnectAnswer {
  /** What was agreed on; 0: the session is over. */
  readonly timeoutMs: number;
  readonly sessionId: bigint;
  readonly password: Buffer;
}

export function encodeConnect(request: ConnectRequest): Buffer {
  return new JuteWriter()
    .int(0)
    .long(request.lastZxid)
    .int(request.timeoutMs)
    .long(request.sessionId)
    .bytes(request.password)
    .bool(false)
    .finishFrame();
}

export function decodeConnect(frame: Buffer): ConnectRequest {
  const reader = new JuteReader(frame);
  reader.int();
  return {
    lastZxid: reader.long(),
    timeoutMs: reader.int(),
    sessionId: reader.long(),
    password: reader.bytes() ?? Buffer.alloc(passwordBytes),
  };
}

export function encodeConnectAnswer(answer: ConnectAnswer): Buffer {
  return new JuteWriter()
    .int(0)
    .int(answer.timeoutMs)
    .long(answer.sessionId)
    .bytes(answer.password)
    .bool(false)
    .finishFrame();
}

export function decodeConnectAnswer(frame: Buffer): ConnectAnswer {
  const reader = new JuteReader(frame);
  reader.int();
  return {
    timeoutMs: reader.int(),
    sessionId: reader.long(),
    password: reader.bytes() ?? Buffer.alloc(passwordBytes),
  };
}

export interface AnswerHeader {
  readonly xid: number;
  /** The newest change that the server had made; not positive where it says nothing of that. */
  readonly zxid: bigint;
  readonly error: number;
}

export function readAnswerHeader(reader: JuteReader): AnswerHeader {
  return { xid: reader.int(), zxid: reader.long(), error: reader.int() };
}

export function encodeAnswer(header: AnswerHeader, body?: Buffer): Buffer {
  const writer = new JuteWriter().int(header.xid).long(header.zxid).int(header.error);
  if (body !== undefined) writer.raw(body);
  return writer.finishFrame();
}

/** What ZooKeeper tells of a node besides its value. */
export interface Stat {
  readonly createdZxid: bigint;
  readonly modifiedZxid: bigint;
  readonly createdMs: bigint;
  readonly modifiedMs: bigint;
  /** Of the value; of the set of children; of the access list. */
  readonly version: number;
  readonly childVersion: number;
  readonly aclVersion: number;
  /** The session whose end removes it; 0n: none. */
  readonly ephemeralOwner: bigint;
  readonly valueBytes: number;
  readonly childCount: number;
  readonly childrenZxid: bigint;
}

export function readStat(reader: JuteReader): Stat {
  return {
    createdZxid: reader.long(),
    modifiedZxid: reader.long(),
    createdMs: reader.long(),
    modifiedMs: reader.long(),
    version: reader.int(),
    childVersion: reader.int(),
    aclVersion: reader.int(),
    ephemeralOwner: reader.long(),
    valueBytes: reader.int(),
    childCount: reader.int(),
    childrenZxid: reader.long(),
  };
}

export function writeStat(writer: JuteWriter, stat: Stat): JuteWriter {
  return writer
    .long(stat.createdZxid)
    .long(stat.modifiedZxid)
    .long(stat.createdMs)
    .long(stat.modifiedMs)
    .int(stat.version)
    .int(stat.childVersion)
    .int(stat.aclVersion)
    .long(stat.ephemeralOwner)
    .int(stat.valueBytes)
    .int(stat.childCount)
    .long(stat.childrenZxid);
}

export const permission = { read: 1, write: 2, create: 4, delete: 8, admin: 16 } as const;

export interface AclEntry {
  /** A sum of them. */
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

const allPermissions = 31;
export const openAcl: readonly AclEntry[] = [
  { permissions: allPermissions, scheme: 'world', id: 'anyone' },
];
/** Everything for whoever the creator has shown to be, and nothing for others. */
export const creatorAcl: readonly AclEntry[] = [
  { permissions: allPermissions, scheme: 'auth', id: '' },
];
/** The same, and others may look. */
export const readableAcl: readonly AclEntry[] = [
  ...creatorAcl,
  { permissions: permission.read, scheme: 'world', id: 'anyone' },
];

export function writeAcl(writer: JuteWriter, acl: readonly AclEntry[]): JuteWriter {
  return writer.vector(acl, (each, { permissions, scheme, id }) =>
    each.int(permissions).text(scheme).text(id),
  );
}

export function readAcl(reader: JuteReader): AclEntry[] {
  return reader.vector((each) => ({
    permissions: each.int(),
    scheme: each.text(),
    id: each.text(),
  }));
}

/** The body of a question: a path, and whether a watch is set on it. */
export function encodePath(path: string, isWatched?: boolean): Buffer {
  const writer = new JuteWriter().text(path);
  if (isWatched !== undefined) writer.bool(isWatched);
  return writer.finish();
}

/** One change; `version` -1 is any. A `check` changes nothing. */
export type Change =
  | {
      readonly kind: 'create';
      readonly path: string;
      /** null: a folder of ours, which is how it is told from a key with an empty value. */
      readonly value: Buffer | null;
      readonly acl: readonly AclEntry[];
      readonly isEphemeral: boolean;
    }
  | {
      readonly kind: 'setData';
      readonly path: string;
      readonly value: Buffer | null;
      readonly version: number;
    }
  | { readonly kind: 'delete' | 'check'; readonly path: string; readonly version: number };

export function encodeChange(change: Change): Buffer {
  const writer = new JuteWriter().text(change.path);
  if (change.kind === 'create') {
    return writeAcl(writer.bytes(change.value), change.acl)
      .int(change.isEphemeral ? 1 : 0)
      .finish();
  }
  if (change.kind === 'setData') writer.bytes(change.value);
  return writer.int(change.version).finish();
}

export function encodeMulti(changes: readonly Change[]): Buffer {
  const writer = new JuteWriter();
  for (const change of changes) {
    writer.int(opCode[change.kind]).bool(false).int(-1).raw(encodeChange(change));
  }
  return writer.int(-1).bool(true).int(-1).finish();
}

export interface MultiFailure {
  readonly error: number;
  /** Which of the changes it was. */
  readonly at: number;
}

/**
 * What became of a change of several: the version of each node since then (0 of one that was made,
 * null where it says nothing), or the first error. The others have codes, too, which say only that
 * they were not made.
 */
export function readMultiAnswer(reader: JuteReader): (number | null)[] | MultiFailure {
  const versions: (number | null)[] = [];
  let failure: MultiFailure | null = null;
  for (let at = 0; ; at++) {
    const type = reader.int();
    const isDone = reader.bool();
    reader.int();
    if (isDone) return failure ?? versions;
    if (type === -1) {
      const error = reader.int();
      const isCause = error !== errorCode.ok && error !== errorCode.runtimeInconsistency;
      if (isCause && failure === null) failure = { error, at };
      continue;
    }
    if (type === opCode.create) reader.text();
    const isSet = type === opCode.setData;
    versions.push(isSet ? readStat(reader).version : type === opCode.create ? 0 : null);
  }
}

export interface WatchEvent {
  readonly type: number;
  readonly path: string;
}

export function readWatchEvent(reader: JuteReader): WatchEvent {
  const type = reader.int();
  reader.int();
  return { type, path: reader.text() };
}
