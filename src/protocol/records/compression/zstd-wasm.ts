// zstd by the WebAssembly of the package zstd-codec, for versions of Node.js without their own. The
// package starts it asynchronously; here it is compiled from the same bytes on first use and in
// place (about 20 ms), so that nobody who reads a batch has to wait for a promise. Its heap has 16
// MiB: large data goes through it as a stream, and what does not fit at all is refused as such.

import { createRequire } from 'node:module';

import { assert } from '../../../base/assert.ts';
import { KafkaError } from '../../errors.ts';
import type { ZstdOutline } from './zstd-frame.ts';

interface Vector {
  resize(length: number, fill: number): void;
  delete(): void;
}

interface Stream {
  begin(level?: number): boolean;
  transform(chunk: Uint8Array, onChunk: (chunk: Uint8Array) => void): boolean;
  end(onChunk: (chunk: Uint8Array) => void): boolean;
  delete(): void;
}

interface Codec {
  compressBound(length: number): number;
  /** Both answer the length written, or a negative error. */
  compress(target: Vector, source: Vector, level: number): number;
  decompress(target: Vector, source: Vector): number;
}

interface Instance {
  readonly VectorU8: new () => Vector;
  readonly ZstdCodec: new () => Codec;
  readonly ZstdCompressStreamBinding: new () => Stream;
  readonly ZstdDecompressStreamBinding: new () => Stream;
  cloneToVector(target: Vector, bytes: Uint8Array): void;
  cloneAsTypedArray(source: Vector): Uint8Array;
}

// The part of the global that is needed; the type library without a browser does not declare it.
interface WasmModule {
  readonly isWasmModule: never;
}
interface WasmInstance {
  readonly exports: object;
}
interface WasmRuntime {
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => WasmInstance;
}

interface InstanceOptions {
  onRuntimeInitialized(): void;
  instantiateWasm(imports: object, onInstance: (instance: WasmInstance) => void): object;
}

type InstanceFactory = (options: InstanceOptions) => Instance;

/** Up to here data is handled in one call, which is twice as fast as a stream. */
const ONE_CALL_BYTES_MAX = 3 * 1024 * 1024;
const STREAM_CHUNK_BYTES = 256 * 1024;
/** What the heap has room for: tables of a stream's compression, the window of reading one. */
const STREAM_LEVEL_MAX = 6;
const STREAM_WINDOW_BYTES_MAX = 8 * 1024 * 1024;
const LEVEL_THAT_FITS = 3;
const runtime = (globalThis as unknown as { WebAssembly: WasmRuntime }).WebAssembly;
/** Begins with the first bytes of any WebAssembly; minifiers choose the quotes around it. */
const BINARY_AS_TEXT = /data:application\/octet-stream;base64,(AGFzbQ[\w+/=]+)/;

let factory: InstanceFactory | undefined;
let compiled: WasmModule | undefined;
let current: { readonly instance: Instance; readonly codec: Codec } | undefined;

function started(): { readonly instance: Instance; readonly codec: Codec } {
  if (current !== undefined) return current;
  if (factory === undefined || compiled === undefined) {
    factory = loadFactory();
    compiled = new runtime.Module(embeddedBinary(factory.toString()));
  }
  const module = compiled;
  let isReady = false;
  const instance = startedBy(factory, {
    onRuntimeInitialized: () => {
      isReady = true;
    },
    instantiateWasm: (imports, onInstance) => {
      const wasm = new runtime.Instance(module, imports);
      onInstance(wasm);
      return wasm.exports;
    },
  });
  assert(isReady, 'zstd-codec starts at once when it is given a compiled module');
  current = { instance, codec: new instance.ZstdCodec() };
  return current;
}

/** The client's package brings a copy along instead of a dependency (tests/write-library.ts). */
const bindings = ['zstd-codec/lib/zstd-codec-binding-wasm.js', '../zstd.cjs'];

function loadFactory(): InstanceFactory {
  // A bundle in CommonJS has no import.meta.url.
  const require = createRequire(import.meta.url ?? __filename);
  for (const path of bindings) {
    try {
      return require(path) as InstanceFactory;
    } catch {
      // Not there: the next one.
    }
  }
  throw new KafkaError(
    'UNSUPPORTED_COMPRESSION_TYPE',
    'zstd needs Node.js 22.15 or later, or a package beside the program: npm install zstd-codec',
  );
}

function startedBy(factory: InstanceFactory, options: InstanceOptions): Instance {
  try {
    return factory(options);
  } catch (error) {
    if (!(error instanceof EvalError)) throw error;
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      'zstd needs Node.js 22.15 or later under --disallow-code-generation-from-strings',
    );
  }
}

/** The package carries its WebAssembly as text inside its one function, and nowhere else. */
function embeddedBinary(source: string): Uint8Array {
  const match = BINARY_AS_TEXT.exec(source);
  assert(match !== null, 'zstd-codec carries its WebAssembly as a data URI');
  return new Uint8Array(Buffer.from(match[1] as string, 'base64'));
}

export function compressZstdWasm(data: Buffer, level: number): Buffer {
  const { instance, codec } = started();
  if (data.length > ONE_CALL_BYTES_MAX) {
    const stream = new instance.ZstdCompressStreamBinding();
    return throughStream(stream, data, Math.min(level, STREAM_LEVEL_MAX));
  }
  const compressed = inOneCall(data, codec.compressBound(data.length), (target, source) =>
    codec.compress(target, source, level),
  );
  if (compressed !== null) return compressed;
  assert(level > LEVEL_THAT_FITS, 'zstd compresses anything at its default level');
  return compressZstdWasm(data, LEVEL_THAT_FITS);
}

export function decompressZstdWasm(
  data: Buffer,
  outline: ZstdOutline,
  sizeBytesMax: number,
): Buffer {
  const { instance, codec } = started();
  const { boundBytes } = outline;
  if (Math.max(boundBytes, data.length) > ONE_CALL_BYTES_MAX || boundBytes > sizeBytesMax) {
    if (outline.windowBytes > STREAM_WINDOW_BYTES_MAX) {
      throw new KafkaError(
        'UNSUPPORTED_COMPRESSION_TYPE',
        `zstd: a window of ${outline.windowBytes} bytes needs Node.js 22.15 or later`,
      );
    }
    return throughStream(new instance.ZstdDecompressStreamBinding(), data, null, sizeBytesMax);
  }
  const bytes = inOneCall(data, boundBytes, (target, source) => codec.decompress(target, source));
  if (bytes === null || (outline.isExact && bytes.length !== boundBytes)) {
    throw new KafkaError('CORRUPT_MESSAGE', 'zstd: malformed data');
  }
  return bytes;
}

/** Runs a call of the codec between two vectors; null when it fails or has no room. */
function inOneCall(
  data: Buffer,
  boundBytes: number,
  call: (target: Vector, source: Vector) => number,
): Buffer | null {
  const { instance } = started();
  try {
    const source = new instance.VectorU8();
    const target = new instance.VectorU8();
    instance.cloneToVector(source, data);
    target.resize(boundBytes, 0);
    const length = call(target, source);
    let result: Buffer | null = null;
    if (length >= 0) {
      target.resize(length, 0);
      result = bufferOf(instance.cloneAsTypedArray(target));
    }
    source.delete();
    target.delete();
    return result;
  } catch {
    // The heap was full: the instance aborted and cannot be used any more.
    current = undefined;
    return null;
  }
}

function throughStream(
  stream: Stream,
  data: Buffer,
  level: number | null,
  sizeBytesMax = Number.POSITIVE_INFINITY,
): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  const onChunk = (chunk: Uint8Array): void => {
    length += chunk.length;
    if (length > sizeBytesMax) {
      throw new KafkaError('MESSAGE_TOO_LARGE', `zstd: more than ${sizeBytesMax} bytes`);
    }
    chunks.push(Buffer.from(chunk));
  };
  // An instance that is left in the middle of a call, by the error above, is not used again.
  const whole = current;
  current = undefined;
  let isGood = level === null ? stream.begin() : stream.begin(level);
  for (let at = 0; isGood && at < data.length; at += STREAM_CHUNK_BYTES) {
    isGood = stream.transform(data.subarray(at, at + STREAM_CHUNK_BYTES), onChunk);
  }
  isGood &&= stream.end(onChunk);
  if (!isGood) throw new KafkaError('CORRUPT_MESSAGE', 'zstd: malformed data');
  stream.delete();
  current = whole;
  return Buffer.concat(chunks, length);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
