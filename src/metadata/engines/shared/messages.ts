// The frames between the server of a shared store and its clients: an int32 size, the kind (int8),
// the id of the call (int32), and a body. A client calls, the server answers by id and sends news
// (id 0) as things happen. The first call is `hello`, which begins with a mark and the version of
// the layout, whatever that is, so that strangers and other releases are told apart.
//
// Invariant: whatever a body claims of its sizes is compared with the bytes that are there before
// anything is made for it (protocol/reader.ts).

import {
  array,
  bool,
  decodeStruct,
  defineStruct,
  ErrorCode,
  encodeStruct,
  errorName,
  type Fields,
  int16,
  int32,
  int64,
  KafkaError,
  MalformedError,
  type Struct,
  type StructInput,
  type StructOf,
  string,
} from '../../../protocol/index.ts';

/** "PaSt": no request of Kafka and no line of text begins like this. */
export const MARK = 0x50_61_53_74;
export const LAYOUT_VERSION = 1;

export const headBytes = 9;
/** A frame without its size has a kind and an id. */
export const frameBytesMin = 5;
export const helloBytesMax = 4096;
/** A batch of metadata is a frame; topics of 10 000 partitions make 1.4 MB. */
export const frameBytesMax = 256 * 1024 * 1024;

export interface Call<Q extends Struct = Struct, A extends Struct = Struct> {
  readonly name: string;
  readonly kind: number;
  readonly request: Q;
  readonly answer: A;
}

export type RequestTo<C extends Call> = StructInput<C['request']>;
export type AnswerOf<C extends Call> = StructOf<C['answer']>;

function shape<const F extends Fields>(name: string, fields: F): Struct<F> {
  return defineStruct({ name, versions: '0', flexible: '0+', fields });
}

function call<const Q extends Fields, const A extends Fields>(
  kind: number,
  name: string,
  { request, answer }: { readonly request: Q; readonly answer: A },
): Call<Struct<Q>, Struct<A>> {
  return { name, kind, request: shape(name, request), answer: shape(`${name} answer`, answer) };
}

const brokerFields = {
  nodeId: int32('0+'),
  incarnationId: string('0+'),
  directoryIds: array('0+', 'string'),
  endpoints: array('0+', {
    name: string('0+'),
    host: string('0+'),
    port: int32('0+'),
    securityProtocol: int16('0+'),
  }),
  rack: string('0+', { nullable: '0+', default: null }),
};

const batchFields = {
  baseOffset: int64('0+'),
  endOffset: int64('0+'),
  controllerEpoch: int32('0+'),
  controllerId: int32('0+'),
  timestampMs: int64('0+'),
  records: array('0+', 'bytes'),
};

export const hello = call(1, 'hello', {
  request: {
    mark: int32('0+'),
    layoutVersion: int16('0+'),
    /** Empty: a new one. */
    sessionId: string('0+'),
    sessionTimeoutMs: int32('0+'),
    /** null: whichever it is. */
    clusterId: string('0+', { nullable: '0+', default: null }),
  },
  answer: {
    /** Another one than was asked for: that one has ended. */
    sessionId: string('0+'),
    clusterId: string('0+'),
    historyId: string('0+'),
    endOffset: int64('0+'),
    bytesSinceSnapshot: int64('0+'),
    alive: array('0+', brokerFields),
  },
});
/** The session is alive; what is answered was so after the question. */
export const ping = call(2, 'ping', {
  request: {},
  answer: { endOffset: int64('0+'), bytesSinceSnapshot: int64('0+') },
});
/** The session ends. */
export const goodbye = call(3, 'goodbye', { request: {}, answer: {} });
export const append = call(4, 'append', {
  request: {
    expectedEnd: int64('0+'),
    controllerEpoch: int32('0+'),
    records: array('0+', 'bytes'),
  },
  answer: {},
});
export const confirm = call(5, 'confirm', {
  request: { controllerEpoch: int32('0+') },
  answer: {},
});
/** Some batches from the offset on; none at the end of the log. */
export const read = call(6, 'read', {
  request: { from: int64('0+') },
  answer: { batches: array('0+', batchFields) },
});
export const openSnapshot = call(7, 'open snapshot', {
  request: {},
  answer: {
    /** -1: there is none. */
    snapshotId: int32('0+'),
    endOffset: int64('0+'),
    controllerEpoch: int32('0+'),
    /** -1: nobody was elected since the server began. */
    controllerId: int32('0+'),
    timestampMs: int64('0+'),
  },
});
export const readPiece = call(8, 'read piece', {
  request: { snapshotId: int32('0+') },
  answer: { records: array('0+', 'bytes'), isEnd: bool('0+') },
});
export const saveSnapshot = call(9, 'save snapshot', {
  request: {
    endOffset: int64('0+'),
    controllerEpoch: int32('0+'),
    timestampMs: int64('0+'),
    /** Of the controller that saves it. */
    savingEpoch: int32('0+'),
  },
  answer: {},
});
/** Of the snapshot under way; an end without success gives it up. */
export const savePiece = call(10, 'save piece', {
  request: { records: array('0+', 'bytes'), isEnd: bool('0+'), isWhole: bool('0+') },
  answer: {},
});
/** Answered when it is elected. Asked again with the same id it is the same candidacy. */
export const elect = call(11, 'elect', {
  request: { electionId: int32('0+'), nodeId: int32('0+') },
  answer: { epoch: int32('0+'), endOffset: int64('0+') },
});
/** The candidate stands no longer, and its term is over. */
export const release = call(12, 'release', {
  request: { electionId: int32('0+') },
  answer: {},
});
export const register = call(13, 'register', {
  request: { registrationId: int32('0+'), broker: array('0+', brokerFields) },
  answer: {},
});
export const unregister = call(14, 'unregister', {
  request: { registrationId: int32('0+') },
  answer: {},
});
/** What this process of the broker holds ends; nothing, if another one has its node id. */
export const expel = call(15, 'expel', {
  request: { nodeId: int32('0+'), incarnationId: string('0+') },
  answer: {},
});

const ANSWER = 64;
const FAILURE = 65;
export const newsKinds = { batch: 70, alive: 71, lostTerm: 72, lostRegistration: 73 } as const;

export const batchNews = shape('batch', { ...batchFields, bytesSinceSnapshot: int64('0+') });
export const aliveNews = shape('alive', { alive: array('0+', brokerFields) });
export const lostNews = shape('lost', {
  /** Of the election or the registration. */
  id: int32('0+'),
  errorCode: int16('0+'),
  message: string('0+'),
});
const failure = shape('failure', { errorCode: int16('0+'), message: string('0+') });

export interface Frame {
  readonly kind: number;
  readonly id: number;
  readonly body: Buffer;
}

/** @throws nothing: a frame as short as frameBytesMin has both. */
export function parseFrame(frame: Buffer): Frame {
  return { kind: frame.readInt8(0), id: frame.readInt32BE(1), body: frame.subarray(5) };
}

export function encodeFrame<S extends Struct>(
  kind: number,
  id: number,
  [struct, value]: readonly [struct: S, value: StructInput<S>],
): Buffer[] {
  const body = encodeStruct(struct, 0, value);
  const head = Buffer.allocUnsafe(headBytes);
  head.writeInt32BE(frameBytesMin + body.length, 0);
  head.writeInt8(kind, 4);
  head.writeInt32BE(id, 5);
  return [head, body];
}

export function encodeCall<C extends Call>(to: C, id: number, request: RequestTo<C>): Buffer[] {
  return encodeFrame(to.kind, id, [to.request, request]);
}

export function encodeAnswer<C extends Call>(of: C, id: number, answer: unknown): Buffer[] {
  return encodeFrame(ANSWER, id, [of.answer, answer as StructInput<C['answer']>]);
}

export function encodeFailure(id: number, { errorName: name, message }: KafkaError): Buffer[] {
  return encodeFrame(FAILURE, id, [failure, { errorCode: ErrorCode[name], message }]);
}

/** undefined: the frame is news. */
export function answerIn(
  { kind, body }: Frame,
  of: Call,
): { readonly answer: unknown } | { readonly error: KafkaError } | undefined {
  if (kind === ANSWER) return { answer: decodeStruct(of.answer, 0, body) };
  if (kind !== FAILURE) return undefined;
  return { error: errorIn(decodeStruct(failure, 0, body)) };
}

export function errorIn({ errorCode, message }: { errorCode: number; message: string }) {
  return new KafkaError(errorName(errorCode), message);
}

/** Of the first frame of a connection, before its body is looked at: null if it is a stranger. */
export function layoutVersionOf({ kind, body }: Frame): number | null {
  if (kind !== hello.kind || body.length < 6 || body.readInt32BE(0) !== MARK) return null;
  return body.readInt16BE(4);
}

export function isMalformed(error: unknown): error is MalformedError {
  return error instanceof MalformedError;
}
