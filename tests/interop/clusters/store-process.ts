// The store of a cluster as a process of its own, so that no broker depends on who started it:
// host, port and folder are its arguments; it says when it can be connected with.

import { createNodeIo } from '../../../src/io/index.ts';
import { serveSharedStore } from '../../../src/metadata/open-store.ts';

const [host = '127.0.0.1', port = '0', directory = ''] = process.argv.slice(2);
const server = await serveSharedStore(createNodeIo({ logLevel: 'warn' }), {
  ...{ host, port: Number(port), directory },
  onFailure: (error) => {
    process.stderr.write(`store: ${error.message}\n`);
    process.exit(1);
  },
});
process.stdout.write(`store ready ${server.port}\n`);
process.once('SIGTERM', () => {
  void server.close().then(() => process.exit(0));
});
