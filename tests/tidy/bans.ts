// What the product's code must not call, how its classes must not be called, and words that have
// no place in the tree.

/** The folders in which the operating system may be touched: the real Io. */
export const ioFolders = ['src/io/'];

interface BannedCall {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly allowed?: readonly string[];
}

export const bannedCalls: readonly BannedCall[] = [
  { pattern: /\bset(Timeout|Interval|Immediate)\s*\(/, instead: 'io.clock' },
  { pattern: /\bDate\.now\b|\bnew Date\(\)/, instead: 'io.clock.now()' },
  { pattern: /\bperformance\.now\b|\bprocess\.hrtime\b/, instead: 'io.clock.monotonic()' },
  { pattern: /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b/, instead: 'io.random' },
  {
    pattern: /\bprocess\.(?!memoryUsage|versions|platform)/,
    instead: 'what the caller passes in',
    allowed: ['src/cli/'],
  },
  { pattern: /\bconsole\./, instead: 'io.log', allowed: ['src/cli/'] },
];

export const bannedNameEndings = [
  'Manager',
  'Helper',
  'Util',
  'Utils',
  'Impl',
  'Base',
  'Abstract',
  'Service',
  'Data',
  'Info',
];

export const bannedWords: readonly { pattern: RegExp; why: string }[] = [
  { pattern: /\b(TODO|FIXME|XXX)\b/, why: 'is a bare TODO: do it or file it' },
  { pattern: /\.(only|skip)\(\s*['"`]/, why: 'leaves tests out' },
  { pattern: /\/(work|root)\/(main|shared|\.)/, why: 'names a path of one machine' },
];
