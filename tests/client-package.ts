// The package @partita/client, made of the same build as the whole: the library alone, for programs
// that have a broker elsewhere. It depends on nothing; what it can use is used where it is there.
//
//   npm run pack:client              writes partita-client-VERSION.tgz into the working folder

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './root.ts';

interface Package {
  readonly version: string;
  readonly engines: object;
  readonly license: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly typesVersions: { readonly '*': Readonly<Record<string, readonly string[]>> };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** A faster checksum; PKCS12 of older tools; Kerberos; OpenTelemetry. */
const optional = ['@node-rs/crc32', 'node-forge', 'koffi', '@opentelemetry/api'];

/** What the package has beside the library itself; `npm pack` is to be called in it. */
export function makeClientPackage(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(join(projectRoot, 'dist/lib'), join(folder, 'dist/lib'), { recursive: true });
  rmSync(join(folder, 'dist/lib/inputs.sha256'));
  cpSync(join(projectRoot, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'README.md'), readme);
  const whole = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Package;
  const ranges = { ...whole.dependencies, ...whole.peerDependencies };
  const { client, ...otherTypes } = whole.typesVersions['*'];
  const { './client': _, ...exports } = whole.exports;
  const description = {
    name: '@partita/client',
    version: whole.version,
    description:
      'Producer, consumer and admin for any broker that speaks the Apache Kafka protocol',
    license: whole.license,
    type: 'module',
    engines: whole.engines,
    main: './dist/lib/cjs/client.js',
    types: client?.[0],
    typesVersions: { '*': otherTypes },
    exports,
    sideEffects: false,
    files: ['dist/lib'],
    peerDependencies: Object.fromEntries(optional.map((name) => [name, ranges[name]])),
    peerDependenciesMeta: Object.fromEntries(optional.map((name) => [name, { optional: true }])),
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
}

const readme = `# @partita/client

Producer, consumer and admin for any broker that speaks the Apache Kafka protocol, for Node.js 20
and later, Bun and Deno; by \`import\` or \`require\`, with types, without dependencies.

This is \`partita/client\` of the package [partita](https://www.npmjs.com/package/partita), alone:
its guide, docs/client.md, is in that package.

Used where they are installed: \`@node-rs/crc32\` (faster checksums), \`node-forge\` (PKCS12 key
stores of older tools), \`koffi\` (Kerberos).
`;

if (process.argv[2] === '--write') {
  makeClientPackage(join(projectRoot, 'dist/client-package'));
}
