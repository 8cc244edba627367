// How the process of a broker collects garbage.
//
// V8 counts the buffers of requests and answers, which live outside of its heap, against the limit
// at which it marks the whole heap. That limit follows the live heap, which in a broker is small
// (some 25 MiB), while hundreds of MiB of buffers pass through in a second: the whole heap is
// marked many times a second for buffers that scavenges free anyway, and half of the processor
// goes there (bench/README.md). A larger growth factor makes full marks rare; scavenges, which
// come after 32 MiB of buffers, still bound what is not needed any more.
//
// While a broker starts, its modules and schemas fill V8's young generation, which then grows to
// sixteen times of what it began with and is never given back: ten MiB of a process that may idle
// for days. It may grow once the broker is ready, when a load calls for it.

import { setFlagsFromString } from 'node:v8';

/** A full collection is due when the heap has grown to five times of what was alive. */
const heapGrowingPercent = 400;

/** For the process of a broker only: a program that embeds one has a policy of its own. */
export function relaxFullCollections(): void {
  setFlagsFromString(`--heap-growing-percent=${heapGrowingPercent}`);
}

/**
 * To be called before the modules of a broker are loaded; `releaseYoungGeneration` ends it. Those
 * of Node.js come first: what it has compiled of them holds for the flags that it began with, and
 * under others they take twice the time (13 ms on Node.js 20, 25 on 26).
 */
export async function restrainYoungGeneration(): Promise<void> {
  await Promise.all([import('node:crypto'), import('node:net'), import('node:zlib')]);
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** V8's own factor. */
export function releaseYoungGeneration(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
