// Bugs that a work runner could have, each as a change of one place of the library's code.

import type { PlantedBug } from './bugs.ts';

export const bugsOfRunner: readonly PlantedBug[] = [
  {
    name: 'commit beyond a hole',
    about: 'the offset behind all that was received is committed, whatever is done of it',
    file: 'src/client/runner/offset-tracker.js',
    was: 'const offset = open[0] ?? endOffset;',
    is: 'const offset = endOffset;',
    foundAt: 2,
    finding: /commits that \d+ is done, and it is not/,
  },
  {
    name: 'metadata ignored',
    about: 'what is done beyond the committed offset is not read back',
    file: 'src/client/runner/in-hand.js',
    was: "return metadata === '' ? null : decodeDone(offset, metadata);",
    is: 'return null;',
    foundAt: 9,
    finding: /does \d+ again, which was committed/,
  },
  {
    name: 'late finish committed',
    about: 'a partition that has gone stays in hand, and what ends late is committed',
    file: 'src/client/runner/in-hand.js',
    was: "owner.state = 'gone';",
    is: 'return;',
    foundAt: 13,
    finding: /of what it has given up|does \d+ again|is done, and it is not/,
  },
  {
    name: 'no lane for a key',
    about: 'the next record of a key is handled while the one before is',
    file: 'src/client/runner/workshop.js',
    was: "if (ordering === 'none' || record.key === null)",
    is: 'if (ordering !== null)',
    foundAt: 6,
    finding: /does two of \S+ at a time|does \d+ before \d+ of/,
  },
];
