// The behaviour suite in virtual time.

import { ioBehaviour } from '../src/io/io-behaviour.ts';
import { simulate } from './index.ts';

ioBehaviour('calm world', (body) =>
  simulate(async (io) => {
    io.disk.makeDirectory('/data');
    await body(io, '/data');
  }),
);

// The stream is cut into pieces of all sizes, and the window is small; nothing may be noticed.
ioBehaviour('world of small pieces', (body) =>
  simulate(
    async (io) => {
      io.disk.makeDirectory('/data');
      await body(io, '/data');
    },
    { seed: 'pieces', faults: { network: { chunkChance: 0.9, windowBytes: 5_000 } } },
  ),
);
