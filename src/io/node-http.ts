// One HTTP request at a time, over the network of this machine.
//
// Invariants: redirections are not followed, so that whoever allowed an address allowed only that
// one; the whole of it is bounded in time, and its answer in bytes.

import type { HttpAnswer, HttpRequest } from './io.ts';

/** Rejects with an Error that names the address and what went wrong. */
export async function nodeHttp(request: HttpRequest): Promise<HttpAnswer> {
  const { url, method, headers, body, timeoutMs, bytesMax } = request;
  const isSecure = new URL(url).protocol === 'https:';
  const { request: begin } = isSecure ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${url}: ${why}`));
    const signal = AbortSignal.timeout(timeoutMs);
    const onError = (error: Error): void => {
      fail(signal.aborted ? `no answer in ${timeoutMs} ms` : error.message);
    };
    const sent = begin(url, { method, headers, signal, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= bytesMax) {
          chunks.push(chunk);
          return;
        }
        fail(`the answer has more than ${bytesMax} bytes`);
        sent.destroy();
      });
      answer.on('error', onError);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) });
      });
    });
    sent.on('error', onError);
    sent.end(body);
  });
}
