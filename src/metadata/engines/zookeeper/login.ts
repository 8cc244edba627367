// How a client of ZooKeeper proves who it is, anew on each connection: by SASL (DIGEST-MD5, or
// GSSAPI with a ticket of Kerberos), as Kafka does with the section Client of a JAAS file, or by
// ZooKeeper's own scheme `digest`.
//
// Invariant: a connection on which this has failed is used for nothing, and the line that says so
// names the server, the user and where his password stands, never the password.

import type { Io } from '../../../io/index.ts';
import { KafkaError, MalformedError } from '../../../protocol/index.ts';
import type { SaslExchange } from '../../../security/sasl/index.ts';
import { proveDigest } from './digest-md5.ts';
import { JuteWriter } from './jute.ts';
import { errorCode, errorName } from './protocol.ts';
import { LinkLostError, type ZooKeeperLink } from './zookeeper-link.ts';

export interface ZooKeeperLogin {
  /** `digest`: the server takes any password, and shows by what it then refuses which was right. */
  readonly scheme: 'sasl' | 'digest';
  readonly username: string;
  readonly password: string;
  /** Where an operator corrects them: `the section Client of /etc/kafka/jaas.conf`. */
  readonly source: string;
  /** SASL without a password: what is said to the server on the host. */
  readonly exchange?: (io: Pick<Io, 'clock' | 'random'>, host: string) => Promise<SaslExchange>;
}

/** Who we are, or what we say, is wrong: no server of the ensemble lets us in. */
export class LoginRefusedError extends KafkaError {
  constructor(why: string) {
    super('SASL_AUTHENTICATION_FAILED', why);
    this.name = 'LoginRefusedError';
  }
}

const clientNonceBytes = 24;

/** @throws LoginRefusedError, LinkLostError */
export async function logIn(
  io: Io,
  link: ZooKeeperLink,
  login: ZooKeeperLogin | undefined,
): Promise<void> {
  if (login?.exchange !== undefined) await logInByExchange(io, link, login, login.exchange);
  else if (login?.scheme === 'sasl') await logInBySasl(io, link, login);
  else if (login?.scheme === 'digest') await logInByDigest(link, login);
}

/** For a line that refuses: as whom a server knows us, and what to do about that. */
export function knownAs(
  login: ZooKeeperLogin | undefined,
  hasCertificate: boolean,
): { readonly who: string; readonly accessRemedy: string } {
  if (login !== undefined) {
    const { username, scheme, source } = login;
    const remedy = `correct user and password in ${source}, or let him in (setAcl in zkCli.sh)`;
    return { who: `the user ${username} (${scheme})`, accessRemedy: remedy };
  }
  if (hasCertificate) {
    const accessRemedy = 'let it in (setAcl in zkCli.sh, scheme x509)';
    return { who: "this broker's certificate", accessRemedy };
  }
  const jaas = 'a JAAS file (KAFKA_OPTS=-Djava.security.auth.login.config=FILE)';
  const accessRemedy = `name a user in the section Client of ${jaas}`;
  return { who: 'whoever has no credentials', accessRemedy };
}

/** Token by token, until the mechanism has no more to say. */
async function logInByExchange(
  io: Io,
  link: ZooKeeperLink,
  login: ZooKeeperLogin,
  start: NonNullable<ZooKeeperLogin['exchange']>,
): Promise<void> {
  let exchange: SaslExchange | null = null;
  try {
    exchange = await start(io, link.address.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
    let token = await exchange.next(null);
    for (let isFirst = true; token !== null; isFirst = false) {
      const answer = await ask(link, login, token);
      if (answer === null && isFirst) throw asksNobody(link, login);
      token = await exchange.next(answer ?? Buffer.alloc(0));
    }
  } catch (error) {
    if (error instanceof LoginRefusedError || error instanceof LinkLostError) throw error;
    const what = `no login at the ZooKeeper at ${link.address}: ${(error as Error).message}`;
    // Who tells who we are may answer in a moment.
    if (error instanceof KafkaError && error.retriable) throw new LinkLostError(what);
    // By name: what speaks SASL is loaded by those who need it.
    if (!(error instanceof KafkaError) && (error as Error).name !== 'SaslError') throw error;
    throw new LoginRefusedError(`${what}: look at ${login.source}`);
  } finally {
    exchange?.release?.();
  }
}

/** A server without a section Server in its own JAAS file. */
function asksNobody(link: ZooKeeperLink, login: ZooKeeperLogin): LoginRefusedError {
  const remedy = `give it a section Server, or take out ${login.source}`;
  const what = `the ZooKeeper at ${link.address} asks nobody for a password (SASL)`;
  return new LoginRefusedError(`${what}: ${remedy}`);
}

async function logInBySasl(io: Io, link: ZooKeeperLink, login: ZooKeeperLogin): Promise<void> {
  const challenge = await ask(link, login, Buffer.alloc(0));
  if (challenge === null) throw asksNobody(link, login);
  const clientNonce = io.random.bytes(clientNonceBytes).toString('base64');
  const { token, expected } = proofFor(link, challenge, login, clientNonce);
  const answer = await ask(link, login, token);
  // It goes on with whom it does not know (zookeeper.allowSaslFailedClients), as with anybody.
  if (answer === null) throw new LoginRefusedError(refusalLine(link, login, errorCode.authFailed));
  if (!answer.equals(expected)) {
    const what = `the ZooKeeper at ${link.address} does not know the password of ${login.username}`;
    throw new LoginRefusedError(`${what} itself: it is not the one that is meant`);
  }
}

function proofFor(
  link: ZooKeeperLink,
  challenge: Buffer,
  login: ZooKeeperLogin,
  clientNonce: string,
): ReturnType<typeof proveDigest> {
  try {
    return proveDigest(challenge, login, { clientNonce });
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const what = `the ZooKeeper at ${link.address} does not speak DIGEST-MD5`;
    throw new LoginRefusedError(`${what} (${error.message}), and no other mechanism is served`);
  }
}

/** One step of SASL; null: the server has nothing to say, as it has no SASL. */
async function ask(
  link: ZooKeeperLink,
  login: ZooKeeperLogin,
  token: Buffer,
): Promise<Buffer | null> {
  const { error, body } = await link.call('sasl', new JuteWriter().bytes(token).finish());
  if (error === errorCode.ok) return body.remainingBytes === 0 ? null : body.bytes();
  throw new LoginRefusedError(refusalLine(link, login, error));
}

async function logInByDigest(link: ZooKeeperLink, login: ZooKeeperLogin): Promise<void> {
  const { username, password } = login;
  const body = new JuteWriter().int(0).text('digest').text(`${username}:${password}`).finish();
  const { error } = await link.call('auth', body);
  if (error === errorCode.ok) return;
  throw new LoginRefusedError(refusalLine(link, login, error));
}

function refusalLine(link: ZooKeeperLink, login: ZooKeeperLogin, error: number): string {
  const { scheme, username, source } = login;
  const isWrong = error === errorCode.authFailed || error === errorCode.requiresSasl;
  const how = isWrong ? scheme : `${scheme}: ${errorName(error)}`;
  const what = `the ZooKeeper at ${link.address} does not let the user ${username} in (${how})`;
  return `${what}: correct user and password in ${source}`;
}
