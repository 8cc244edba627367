// Writes the pages that are made from the sources and from what a broker answers: `npm run docs`.
// tests/docs-configuration.test.ts and tests/conformance fail while a page differs from what this
// would write.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentErrors } from '../src/client/error-guide/index.ts';
import { documentValues } from '../src/client/value-guide/index.ts';
import { documentConfiguration } from '../src/config/index.ts';
import { askBroker } from './conformance/ask-broker.ts';
import { documentConformance } from './conformance/document-conformance.ts';
import { documentReference } from './reference/index.ts';
import { projectRoot } from './root.ts';

const docs = join(projectRoot, 'docs');
writeFileSync(join(docs, 'configuration.md'), documentConfiguration());
writeFileSync(join(docs, 'errors.md'), documentErrors());
writeFileSync(join(docs, 'values.md'), documentValues());
writeFileSync(join(docs, 'client-reference.md'), documentReference());
writeFileSync(join(docs, 'conformance.md'), documentConformance(await askBroker()));
