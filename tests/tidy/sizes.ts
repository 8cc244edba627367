// The size ratchets. A number is an example of good measure, not a law: an exception with its
// reason is fine, but the list only shrinks.

export const sizeLimits = {
  fileLines: 500,
  testLines: 800,
  functionLines: 70,
  lineColumns: 100,
};

interface SizeException {
  readonly fileLines?: number;
  readonly functionLines?: number;
  readonly reason: string;
}

export const sizeExceptions: ReadonlyMap<string, SizeException> = new Map<string, SizeException>(
  [],
);
