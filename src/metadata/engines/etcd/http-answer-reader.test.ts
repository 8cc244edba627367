// HTTP answers from bytes, however they are cut, and what is no HTTP.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpAnswerReader, HttpError } from './http-answer-reader.ts';

interface Seen {
  readonly answers: { readonly status: number; body: string }[];
  endCount: number;
}

function read(...pieces: readonly (string | Buffer)[]): Seen & { reader: HttpAnswerReader } {
  const seen: Seen = { answers: [], endCount: 0 };
  const reader = new HttpAnswerReader({
    onHead: (status) => seen.answers.push({ status, body: '' }),
    onBody: (part) => {
      (seen.answers.at(-1) as { body: string }).body += part.toString('latin1');
    },
    onEnd: () => {
      seen.endCount += 1;
    },
  });
  for (const piece of pieces) reader.feed(Buffer.from(piece as string, 'latin1'));
  return Object.assign(seen, { reader });
}

const answers =
  'HTTP/1.1 100 Continue\r\n\r\n' +
  'HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX: y\r\n\r\nhello' +
  'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n' +
  '3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: trailer\r\n\r\n' +
  'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n';

test('answers are the same however the bytes are cut', () => {
  const expected = [
    { status: 200, body: 'hello' },
    { status: 404, body: 'abc0123456789' },
    { status: 204, body: '' },
  ];
  for (let size = 1; size <= answers.length; size++) {
    const pieces: string[] = [];
    for (let at = 0; at < answers.length; at += size) pieces.push(answers.slice(at, at + size));
    const seen = read(...pieces);
    assert.deepEqual(seen.answers, expected, `pieces of ${size}`);
    assert.equal(seen.endCount, 3);
  }
});

test('an answer without a length goes to the end of the connection', () => {
  const seen = read('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP ', 'request');
  assert.equal(seen.endCount, 0);
  assert.equal(seen.reader.end(), true);
  assert.deepEqual(seen.answers, [{ status: 400, body: 'Client sent an HTTP request' }]);
  assert.equal(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel').reader.end(), false);
});

test('what is no HTTP is an error as soon as it is seen, and says what it looks like', () => {
  const garbage: [string, RegExp][] = [
    ['\x15\x03\x01\x00\x02', /does not speak HTTP: this looks like a TLS alert/],
    ['SSH-2.0-OpenSSH', /does not speak HTTP/],
    ['HTTP/2.0 200 OK\r\n\r\n', /does not speak HTTP\/1\.1/],
    ['HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n', /length/],
    ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', /length/],
    ['HTTP/1.1 200 OK\r\nnonsense\r\n\r\n', /head/],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', /chunk/],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n', /chunk/],
    [`HTTP/1.1 200 OK\r\n${'x'.repeat(70_000)}`, /no end/],
    [`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'1'.repeat(2_000)}`, /chunk/],
  ];
  for (const [text, message] of garbage) {
    assert.throws(
      () => read(text),
      (error: Error) => error instanceof HttpError && message.test(error.message),
      text.slice(0, 60),
    );
  }
});
