// 128 bits that stand for a record's key while a log is cleaned: MD5 over a secret initial state,
// drawn anew for each cleaning. Two keys with the same hash would be taken for one and a record
// would be lost; with a state that nobody outside knows, nobody can make such keys.
//
// Written out here because a call into OpenSSL takes several times as long for keys of this size,
// and because OpenSSL in FIPS mode has no MD5.

const BLOCK_BYTES = 64;
const shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const constants = Int32Array.from(
  { length: 64 },
  (_, i) => (Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0,
);

export class KeyHash {
  /** The hash of the last key given. */
  readonly words = new Int32Array(4);
  readonly #seed: Int32Array;
  readonly #block = new Int32Array(16);
  readonly #tail = Buffer.alloc(2 * BLOCK_BYTES);

  /** @param seed 16 random bytes */
  constructor(seed: Buffer) {
    this.#seed = Int32Array.from([0, 4, 8, 12], (at) => seed.readInt32LE(at));
  }

  /** Hashes the bytes from `start` to `end`. */
  hash(bytes: Buffer, start: number, end: number): void {
    for (let i = 0; i < 4; i++) this.words[i] = this.#seed[i] as number;
    let at = start;
    for (; end - at >= BLOCK_BYTES; at += BLOCK_BYTES) this.#compress(bytes, at);
    const tail = this.#tail;
    const restBytes = end - at;
    // One bit, zeros, and the length in bits, as MD5 ends.
    const tailBytes = restBytes < BLOCK_BYTES - 8 ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    for (let i = 0; i < restBytes; i++) tail[i] = bytes[at + i] as number;
    tail.fill(0, restBytes, tailBytes);
    tail[restBytes] = 0x80;
    const lengthBytes = end - start;
    tail.writeUInt32LE((lengthBytes * 8) >>> 0, tailBytes - 8);
    tail.writeUInt32LE(Math.floor(lengthBytes / 0x2000_0000), tailBytes - 4);
    for (let i = 0; i < tailBytes; i += BLOCK_BYTES) this.#compress(tail, i);
  }

  #compress(bytes: Buffer, start: number): void {
    const block = this.#block;
    for (let i = 0, at = start; i < 16; i++, at += 4) {
      block[i] =
        (bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24);
    }
    const { words } = this;
    let a = words[0] as number;
    let b = words[1] as number;
    let c = words[2] as number;
    let d = words[3] as number;
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      let mixed: number;
      let word: number;
      if (round === 0) {
        mixed = (b & c) | (~b & d);
        word = i;
      } else if (round === 1) {
        mixed = (d & b) | (~d & c);
        word = (5 * i + 1) & 15;
      } else if (round === 2) {
        mixed = b ^ c ^ d;
        word = (3 * i + 5) & 15;
      } else {
        mixed = c ^ (b | ~d);
        word = (7 * i) & 15;
      }
      const sum = (a + mixed + (constants[i] as number) + (block[word] as number)) | 0;
      const shift = shifts[(round << 2) | (i & 3)] as number;
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    words[0] = ((words[0] as number) + a) | 0;
    words[1] = ((words[1] as number) + b) | 0;
    words[2] = ((words[2] as number) + c) | 0;
    words[3] = ((words[3] as number) + d) | 0;
  }
}
