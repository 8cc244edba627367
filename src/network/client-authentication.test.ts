// A client's exchange with a server that is a double.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode, KafkaError } from '../protocol/index.ts';
import { type Asked, authenticate, type SaslLogin } from './client-authentication.ts';

/** A server that says these error codes, the handshake's first. */
function serverOf(...errorCodes: readonly number[]): Asked {
  const left = [...errorCodes];
  const ask = async () => ({
    errorCode: left.shift() ?? 0,
    errorMessage: 'refused',
    mechanisms: [],
    authBytes: Buffer.from('challenge'),
    sessionLifetimeMs: 7,
  });
  return { host: 'host', ask: ask as unknown as Asked['ask'] };
}

test('what an exchange holds is given back, however it ends', async () => {
  let held = 0;
  const loginOf = (tokens: readonly (Buffer | Error | null)[]): SaslLogin => ({
    mechanism: 'GSSAPI',
    start: () => {
      held++;
      const left = [...tokens];
      return {
        next: () => {
          const token = left.shift() ?? null;
          if (token instanceof Error) throw token;
          return token;
        },
        release: () => {
          held--;
        },
      };
    },
  });
  const token = Buffer.from('token');
  assert.equal(await authenticate(serverOf(), loginOf([token, token])), 7);
  const refused = { name: 'KafkaError', errorName: 'SASL_AUTHENTICATION_FAILED' };
  const code = ErrorCode.SASL_AUTHENTICATION_FAILED;
  await assert.rejects(authenticate(serverOf(0, code), loginOf([token])), refused);
  await assert.rejects(authenticate(serverOf(), loginOf([token, new Error('bad')])), refused);
  const away = new KafkaError('NETWORK_EXCEPTION', 'no KDC');
  await assert.rejects(authenticate(serverOf(), loginOf([away])), away);
  await assert.rejects(
    authenticate(serverOf(ErrorCode.UNSUPPORTED_SASL_MECHANISM), loginOf([token])),
    { errorName: 'UNSUPPORTED_SASL_MECHANISM' },
  );
  assert.equal(held, 0);
});
