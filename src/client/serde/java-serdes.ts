// Java's serializers and deserializers by the names of their classes, as `key.serializer` and
// `value.deserializer` of a properties file name them.

import { boolean, float32, float64, int16, int32, int64 } from './number-serdes.ts';
import type { Serde } from './serde.ts';
import { bytes, string, uuid } from './text-serdes.ts';

const byName: Readonly<Record<string, () => Serde<unknown, never>>> = {
  Boolean: boolean,
  ByteArray: bytes,
  ByteBuffer: bytes,
  Bytes: bytes,
  Double: float64,
  Float: float32,
  Integer: int32,
  Long: int64,
  Short: int16,
  String: string,
  UUID: uuid,
};

const className = /^org\.apache\.kafka\.common\.serialization\.(\w+?)(?:Serializer|Deserializer)$/;
/** `Serdes$StringSerde`, as Streams names them. */
const serdeName = /^org\.apache\.kafka\.common\.serialization\.Serdes[.$](\w+?)Serde$/;

/** The serde that writes and reads as a class of Java's client does; null for another class. */
export function serdeOfJavaClass(name: string): Serde<unknown, never> | null {
  const short = (className.exec(name) ?? serdeName.exec(name))?.[1] ?? '';
  return Object.hasOwn(byName, short)
    ? ((byName[short] as () => Serde<unknown, never>)() ?? null)
    : null;
}
