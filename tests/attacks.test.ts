// The attacks on a secured broker that we know of, and for each the test that fails when the hole
// is there. This table is held against the files: a test that is renamed or taken away is missed.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { projectRoot } from './root.ts';

/** Parts of titles, by file. */
type Proofs = Readonly<Record<string, readonly string[]>>;

const authorization = 'src/broker/authorization.test.ts';
const authentication = 'src/broker/authentication.test.ts';
const bearer = 'src/security/sasl/bearer.test.ts';
const scram = 'src/security/sasl/scram.test.ts';
const table = 'tests/interop/authorization.test.ts';

const attacks: Readonly<Record<string, Proofs>> = {
  'a client fetches as if it were a replica': {
    [authorization]: ['gives no follower anything without the right of a broker'],
  },
  'a client sends what only brokers send, or an envelope in the name of another': {
    'src/broker/inter-broker-rights.test.ts': ['what brokers ask of each other is refused'],
    'src/broker/handlers/forwarded-rights.test.ts': ['nobody in the name of another'],
    'tests/attacks.test.ts': ['the page on security begins with what anybody can do'],
  },
  'somebody reads or writes the store of the metadata': {
    'tests/interop/zookeeper/access.test.ts': [
      'who is known makes nodes that are for him alone',
      'a chroot that is open to everybody is warned of',
    ],
    'tests/interop/etcd/faults.test.ts': ['users: who is asked proves it', 'certificates: both'],
    'tests/e2e/kafka-acls.test.ts': ['kafka-acls adds, lists and removes ACLs'],
  },
  'topics are asked for by their ids, by expressions and by pages': {
    [authorization]: [
      'tells nothing of a topic by its id, or by a page that begins at it',
      'gives a member no topic by an expression that may not be described',
      'does not say whether a topic is there that may not be described',
    ],
    [table]: ['every API refuses and serves as Apache Kafka does'],
  },
  'sessions, groups and transactions of others are guessed': {
    'src/broker/fetch-sessions.test.ts': ['nobody ends a session of somebody else'],
    [table]: ['every API refuses and serves as Apache Kafka does'],
  },
  'a right is taken away in the middle of what it was used for': {
    [authorization]: [
      'looks at every partition of a fetch session again when ACLs change',
      'ends a wait for records with a refusal when the right to them is gone',
    ],
    'tests/interop/access-rules.test.ts': ['ACLs decide and are found as in Apache Kafka'],
  },
  'requests come before an authentication has ended, or behind one that failed': {
    [authentication]: [
      'a request ends the connection and is not served',
      'a request between handshake and token is answered with ILLEGAL_SASL_STATE',
      'what is pipelined behind a failure is not served',
    ],
    'src/broker/sasl-gate.fuzz.test.ts': ['no frame lets anybody in'],
  },
  'a session is gone on with as another, by another mechanism, or by that of another listener': {
    [authentication]: [
      'is not gone on with as somebody else, nor by another mechanism',
      'a mechanism of another listener is refused, and its users are nobody here',
    ],
  },
  'SCRAM: nonces, bindings, names, iterations, and who is a user': {
    [scram]: [
      'takes the nonce of this exchange as a whole',
      'takes n and y, binds to no channel, and has the header repeated',
      'signs in names',
      'bounds the iterations of a hostile server both ways',
      'answers an unknown user with the same salt each time and on every broker',
      'known and unknown users take the same steps',
    ],
  },
  'PLAIN: a NUL too many, or too few': {
    'src/security/sasl/plain.test.ts': ['what is not of the form, empty, or for somebody else'],
  },
  'tokens: unsigned, signed with what is public, of unknown keys, for others, and over': {
    [bearer]: [
      'are refused with alg none, HS256 by the public key',
      'with an unknown key a thousand times cause no fetch each',
      'are refused for another audience, issuer or time',
      'with a shared secret in the set, or a short key, are refused',
    ],
    'tests/interop/oidc.test.ts': ['is refused with a token for others', 'a token that is over'],
  },
  'the provider of tokens hangs, leads elsewhere, or is a file': {
    [bearer]: ['addresses are asked only when they are allowed, and never files'],
    'src/io/node-http.test.ts': [
      'a redirection is an answer like others',
      'does not come or never ends is an error',
    ],
  },
  'delegation tokens are made with tokens, or outlive their end': {
    'src/broker/delegation-tokens.test.ts': [
      'whoever holds a token is its owner, and gets no further one',
      'ends with the token',
      'ends when the token is taken away',
    ],
  },
  'references to files and variables come over the wire': {
    'src/broker/handlers/configs.test.ts': ['a reference that is altered over the wire is text'],
    'src/config/references.test.ts': ['is not looked for in what it stands for'],
  },
  'key stores named at run time, and what is printed, tell secrets': {
    'src/broker/listener-tls.test.ts': ['are refused, and the old ones kept'],
    'src/security/tls/tls-material.test.ts': ['a file that may not be read'],
    'tests/e2e/planted-secrets.test.ts': [
      'show and store none of the passwords',
      'is said without the passwords in it',
      'no password in their titles',
    ],
  },
  'a session of TLS is resumed under keys of another time or listener': {
    'src/io/node-network.test.ts': ['a session is resumed with its certificate, but never under'],
  },
  'certificates with strange names, and patterns that never end': {
    'src/security/tls/distinguished-name.test.ts': [
      'with a NUL is another one',
      'a million blanks',
    ],
    'src/security/tls/principal-mapping.test.ts': ['would backtrack for ever elsewhere'],
  },
  'old versions of TLS, and first flights of garbage': {
    'src/security/tls/cipher-suites.test.ts': ['settings that cannot be are refused'],
    'src/network/tls-flights.fuzz.test.ts': ['first flights let nobody in'],
  },
  'handshakes that never end, or come as fast as they can': {
    'src/network/tls-gate.test.ts': [
      'gives up in time who says nothing, or stops in the middle',
      'lets an address have so many unfinished',
      'begins handshakes of one address at its rate',
    ],
  },
  'the files of --secure are read, or led elsewhere': {
    'src/io/node-secret-folder.test.ts': ['whatever the umask', 'is no link, and no file'],
    'tests/e2e/secure.test.ts': ['prints what to run, and that works as it is printed'],
  },
  'names forge a line of a log or of the audit trail, whose disk is full': {
    'src/io/log-line.test.ts': ['an entry is one line', 'no field of an entry does anything'],
    'src/security/audit/audit-trail.test.ts': [
      'has one line for whatever somebody calls himself',
      'goes on while the disk is full',
    ],
  },
};

const opening = /^#[^\n]*\n\n([\s\S]*?)\n\n/;

test('the page on security begins with what anybody can do where nobody is asked', () => {
  const page = readFileSync(join(projectRoot, 'docs/security.md'), 'utf8');
  const [, first = ''] = opening.exec(page) ?? [];
  assert.match(first, /anyone who reaches the port .* can even act as a broker/s);
});

describe('there is a test for an attack:', () => {
  for (const [attack, proofs] of Object.entries(attacks)) {
    test(attack, () => {
      for (const [file, titles] of Object.entries(proofs)) {
        const text = readFileSync(join(projectRoot, file), 'utf8');
        const found = text.split('\n').filter((line) => !/^\s*(\/\/|\*)/.test(line));
        for (const title of titles) {
          assert.ok(
            found.some((line) => line.includes(title)),
            `${file} has no test '${title}'`,
          );
        }
      }
    });
  }
});
