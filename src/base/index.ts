// What everything else stands on; nothing here imports from another folder. This file is the map:
// each of the others is imported by itself, so that a start loads what it needs.
//
//   assert.ts           invariants: one that is broken stops the process
//   brand.ts            classes of errors that know their own across copies of the library
//   decimal.ts          decimal numbers of any length, with Java's roundings
//   deferred.ts         a promise that is settled from outside
//   heap.ts             the least item first
//   queue.ts            first in, first out, in constant time
//   persistent-map.ts   an immutable map whose versions share what did not change
//   push-all.ts         appends a list to a list, however long
//   int64.ts            64-bit integers of the wire as numbers
//   varint.ts           integers of variable length, as records and flexible messages have them
//   java-properties.ts  Java's .properties format, read and written
//   kafka-variables.ts  KAFKA_* variables as the apache/kafka image maps them, and KAFKA_OPTS
//   nearest-name.ts     the known name that is nearest to a misspelt one
//   uuid.ts             Kafka's uuids, in bytes and in print
//   java-hash-code.ts   Java's String.hashCode: which partition has a group
//   murmur2.ts          the hash of Java's producer: which partition has a key
//   prng.ts             seeded chance, for the simulator and tests
export {};
