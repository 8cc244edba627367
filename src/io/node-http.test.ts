// HTTP against a server of this process that behaves, and one that does not.

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { nodeHttp } from './node-http.ts';

async function withServer(
  serve: RequestListener,
  run: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer(serve);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const request = (url: string, more = {}) => {
  return { url, method: 'GET', headers: {}, timeoutMs: 5_000, bytesMax: 1_000, ...more } as const;
};

test('a request is answered with status and body', async () => {
  const seen: string[] = [];
  const serve: RequestListener = (asked, answer) => {
    asked.setEncoding('utf8').on('data', (text: string) => seen.push(text));
    asked.on('end', () => answer.writeHead(201).end(`${asked.method} ${asked.headers.accept}`));
  };
  await withServer(serve, async (url) => {
    const headers = { accept: 'a/b' };
    const posted = await nodeHttp(request(url, { method: 'POST', headers, body: 'x=y' }));
    assert.deepEqual([posted.status, String(posted.body)], [201, 'POST a/b']);
    assert.deepEqual(seen, ['x=y']);
  });
});

test('a redirection is an answer like others: nobody goes where it leads', async () => {
  let requests = 0;
  const serve: RequestListener = (_, answer) => {
    requests++;
    answer.writeHead(302, { location: 'file:///etc/passwd' }).end();
  };
  await withServer(serve, async (url) => {
    assert.equal((await nodeHttp(request(url))).status, 302);
    assert.equal(requests, 1);
  });
});

test('an answer that is too large, does not come or never ends is an error', async () => {
  const cases: [RequestListener, RegExp][] = [
    [(_, answer) => answer.end('x'.repeat(1_001)), /keys: the answer has more than 1000 bytes/],
    [() => {}, /keys: no answer in 200 ms/],
    [(_, answer) => void answer.write('x'), /keys: no answer in 200 ms/],
    [(asked) => asked.socket.destroy(), /keys: /],
  ];
  for (const [serve, message] of cases) {
    await withServer(serve, async (url) => {
      await assert.rejects(nodeHttp(request(url, { timeoutMs: 200 })), { message });
    });
  }
});
