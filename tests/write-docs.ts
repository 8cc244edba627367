// Writes the pages that are made from the sources: `npm run docs`. tests/docs-configuration.test.ts
// fails while a page differs from what this would write.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentConfiguration } from '../src/config/index.ts';
import { projectRoot } from './root.ts';

writeFileSync(join(projectRoot, 'docs', 'configuration.md'), documentConfiguration());
