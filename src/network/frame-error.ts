// The error of a byte stream that is not made of Kafka's frames. The connection cannot be used
// any more: there is no way to find the next frame. The message names the size that was read and,
// where the bytes give the peer away, what it speaks instead.

export class FrameError extends Error {
  /** What the four size bytes said, as a signed number. */
  readonly sizeBytes: number;

  constructor(sizeBytes: number, limits: { min: number; max: number }) {
    const hint = protocolHint(sizeBytes);
    super(
      `a frame of ${sizeBytes} bytes (allowed: ${limits.min} to ${limits.max})` +
        (hint === null ? '' : `: ${hint}`),
    );
    this.name = 'FrameError';
    this.sizeBytes = sizeBytes;
  }
}

const httpWords = new Set(['GET ', 'POST', 'HEAD', 'PUT ', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC']);

/** What the first four bytes, as a signed number, look like if they are no frame size. */
export function protocolHint(sizeBytes: number): string | null {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(sizeBytes);
  const word = bytes.toString('latin1');
  if (httpWords.has(word)) return 'this looks like an HTTP request on a Kafka port';
  if (word === 'HTTP') return 'this looks like the answer of an HTTP server';
  if (bytes[1] !== 3) return null;
  if (bytes[0] === 0x16) return 'this looks like a TLS handshake on a PLAINTEXT port';
  if (bytes[0] === 0x15) return 'this looks like a TLS alert: the peer expects TLS';
  return null;
}
