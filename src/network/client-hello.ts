// Whether what a connection has sent so far begins a TLS handshake: the first record, and the
// ClientHello in it (RFC 8446, 4.1.2). Nothing else of it is read here.
//
// Invariant: whoever has not sent a whole ClientHello costs no cryptography.

/** A record of TLS has at most this many bytes, its header included. */
const recordBytesMax = 5 + 16 * 1024;

/** `whole`: a handshake may begin; `part`: more is to come; otherwise what is wrong, in words. */
export type HelloState = 'whole' | 'part' | { readonly problem: string };

export function clientHelloState(received: Buffer): HelloState {
  if (received.length === 0) return 'part';
  if (received[0] !== 0x16) {
    // The size of a frame begins with 0.
    const hint = received[0] === 0 ? ' (security.protocol of the client may be PLAINTEXT)' : '';
    return { problem: `it does not speak TLS${hint}` };
  }
  if (received.length > 1 && received[1] !== 3) return { problem: 'it does not speak TLS' };
  if (received.length < 9) return 'part';
  const recordBytes = 5 + received.readUInt16BE(3);
  if (received[5] !== 1) return { problem: 'its first message is no ClientHello' };
  if (9 + received.readUIntBE(6, 3) > recordBytes || recordBytes > recordBytesMax) {
    return { problem: 'its ClientHello does not fit into one record' };
  }
  return received.length < recordBytes ? 'part' : 'whole';
}
