// Conversations of GSSAPI that no client would have, token by token, and what a broker says to
// them: so that two brokers can be compared.

import { type GssTickets, systemGssapi, type TicketSource } from '../../../src/io/gssapi/index.ts';
import { createNodeIo } from '../../../src/io/index.ts';
import { ClientConnection } from '../../../src/network/index.ts';
import {
  errorName,
  type KafkaError,
  metadata,
  saslAuthenticate,
  saslHandshake,
} from '../../../src/protocol/index.ts';

/** By the name of the conversation: how it ended. */
export type Said = Readonly<Record<string, string>>;

const empty = Buffer.alloc(0);
type Context = ReturnType<GssTickets['initiate']>;

/** What is sent where the client would send its ticket, and its choice of a layer. */
interface Odd {
  readonly ticket?: (token: Buffer) => Buffer;
  readonly acknowledgement?: Buffer;
  /** Signed unless `isBare`. */
  readonly choice?: Buffer;
  readonly isBare?: boolean;
}

const text = (value: string): Buffer => Buffer.from(value);
const choice = (layer: number, authzid = ''): Buffer =>
  Buffer.concat([Buffer.from([layer, 0, 0, 0]), text(authzid)]);

function flipped(token: Buffer, position: number): Buffer {
  const copy = Buffer.from(token);
  const index = (position + copy.length) % copy.length;
  copy[index] = (copy[index] as number) ^ 1;
  return copy;
}

const odd: Readonly<Record<string, Odd>> = {
  'an honest one': {},
  'as somebody else': { choice: choice(1, 'bob') },
  'as itself': { choice: choice(1, 'alice@PARTITA.TEST') },
  'as what is no text': { choice: Buffer.from([1, 0, 0, 0, 0xff, 0xfe, 0]) },
  'with the size of a layer that it does not want': { choice: Buffer.from([1, 255, 255, 255]) },
  nothing: { ticket: () => empty },
  garbage: { ticket: () => text('garbage') },
  'half a ticket': { ticket: (token) => token.subarray(0, token.length / 2) },
  'a ticket that was changed': { ticket: (token) => flipped(token, 200) },
  'an authenticator that was changed': { ticket: (token) => flipped(token, -5) },
  'more than an acknowledgement': { acknowledgement: text('more') },
  'integrity, which is not offered': { choice: choice(2) },
  'confidentiality, which is not offered': { choice: choice(4) },
  'no layer at all': { choice: choice(0) },
  'a choice without a signature': { choice: choice(1), isBare: true },
  'no choice': { choice: empty, isBare: true },
};

/** Has them all with the broker at a port, with tickets of this source. */
export async function conversation(port: number, source: TicketSource): Promise<Said> {
  const tickets = await systemGssapi(null).getTickets(source);
  const said: Record<string, string> = {};
  for (const [name, words] of Object.entries(odd)) {
    const context = tickets.initiate('kafka', 'localhost');
    said[name] = await have(port, context, words);
    context.release();
  }
  said['a ticket for the second time'] = await replayed(port, tickets);
  tickets.release();
  return said;
}

async function have(port: number, context: Context, words: Odd): Promise<string> {
  const connection = await connected(port);
  try {
    const first = await context.next(empty);
    const proof = await sent(connection, words.ticket?.(first.token) ?? first.token);
    await context.next(proof);
    const offer = await sent(connection, words.acknowledgement ?? empty);
    context.unwrap(offer);
    const chosen = words.choice ?? choice(1);
    const last = await sent(connection, words.isBare ? chosen : context.wrap(chosen));
    await connection.request(metadata, { topics: [] });
    return `served, after ${last.length} bytes`;
  } catch (error) {
    return describe(error);
  } finally {
    connection.close();
  }
}

/** For how long the broker at a port says that a session of these tickets lasts. */
export async function sessionLifetimeMs(port: number, source: TicketSource): Promise<number> {
  const tickets = await systemGssapi(null).getTickets(source);
  const context = tickets.initiate('kafka', 'localhost');
  const connection = await connected(port);
  const { token } = await context.next(empty);
  await context.next(await sent(connection, token));
  await sent(connection, empty);
  const answer = await connection.request(saslAuthenticate, {
    authBytes: context.wrap(choice(1)),
  });
  connection.close();
  context.release();
  tickets.release();
  return answer.sessionLifetimeMs;
}

async function replayed(port: number, tickets: GssTickets): Promise<string> {
  const context = tickets.initiate('kafka', 'localhost');
  const { token } = await context.next(empty);
  context.release();
  const answers: string[] = [];
  for (let i = 0; i < 2; i++) {
    const connection = await connected(port);
    const answer = await sent(connection, token).then(() => 'an answer', describe);
    answers.push(answer);
    connection.close();
  }
  return answers.join(', then ');
}

async function connected(port: number): Promise<ClientConnection> {
  const at = { host: 'localhost', port, clientId: null };
  const connection = await ClientConnection.connect(createNodeIo(), at);
  await connection.request(saslHandshake, { mechanism: 'GSSAPI' });
  return connection;
}

async function sent(connection: ClientConnection, authBytes: Buffer): Promise<Buffer> {
  const answer = await connection.request(saslAuthenticate, { authBytes });
  if (answer.errorCode === 0) return answer.authBytes;
  throw new Refused(`${errorName(answer.errorCode)}: ${answer.errorMessage}`);
}

class Refused extends Error {}

function describe(error: unknown): string {
  if (error instanceof Refused) return error.message;
  // Whether the end of a connection is heard as one is not the broker's doing.
  return (error as KafkaError).errorName ?? `${error}`;
}
