// The behaviour suite on the real system: a temporary directory and the loopback interface.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ioBehaviour } from './io-behaviour.ts';
import { createNodeIo } from './node-io.ts';

ioBehaviour('real', async (body) => {
  const directory = mkdtempSync(join(tmpdir(), 'partita-io-'));
  try {
    await body(createNodeIo({ logLevel: 'off' }), directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
