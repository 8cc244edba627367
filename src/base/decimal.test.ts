// Decimals beside Java's BigDecimal, and round their bytes and texts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Decimal, type Rounding } from './decimal.ts';

/** Of JDK 17: text, toString, toPlainString, precision, scale, unscaled bytes, stripped. */
const facts = `
0|0|0|1|0|00|0
-0.5|-0.5|-0.5|1|1|fb|-0.5
0.5|0.5|0.5|1|1|05|0.5
1.5|1.5|1.5|2|1|0f|1.5
2.5|2.5|2.5|2|1|19|2.5
-2.5|-2.5|-2.5|2|1|e7|-2.5
0.00000001|1E-8|0.00000001|1|8|01|1E-8
1E+5|1E+5|100000|1|-5|01|1E+5
-99.995|-99.995|-99.995|5|3|fe7965|-99.995
1.0E-10|1.0E-10|0.00000000010|2|11|0a|1E-10
100|100|100|3|0|64|1E+2
123.450|123.450|123.450|6|3|01e23a|123.45`;

const roundings: readonly Rounding[] = [
  ...(['UP', 'DOWN', 'CEILING', 'FLOOR', 'HALF_UP', 'HALF_DOWN', 'HALF_EVEN'] as const),
  'UNNECESSARY',
];

/** Of JDK 17: setScale(0) by each rounding. */
const whole = `
-0.5|-1 0 0 -1 -1 0 0 throws
0.5|1 0 1 0 1 0 0 throws
1.5|2 1 2 1 2 1 2 throws
2.5|3 2 3 2 3 2 2 throws
-2.5|-3 -2 -2 -3 -3 -2 -2 throws
0.00000001|1 0 1 0 0 0 0 throws
-99.995|-100 -99 -99 -100 -100 -100 -100 throws`;

/** Of JDK 17: divided by -7.3 with a scale of 3, by each rounding. */
const divided = `
-0.5|0.069 0.068 0.069 0.068 0.068 0.068 0.068 throws
0.5|-0.069 -0.068 -0.068 -0.069 -0.068 -0.068 -0.068 throws
1.5|-0.206 -0.205 -0.205 -0.206 -0.205 -0.205 -0.205 throws
2.5|-0.343 -0.342 -0.342 -0.343 -0.342 -0.342 -0.342 throws
-2.5|0.343 0.342 0.343 0.342 0.342 0.342 0.342 throws
0.00000001|-0.001 0.000 0.000 -0.001 0.000 0.000 0.000 throws
-99.995|13.698 13.697 13.698 13.697 13.698 13.698 13.698 throws`;

const linesOf = (table: string): string[][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.split('|'));

function outcome(work: () => Decimal): string {
  try {
    return work().toString();
  } catch (error) {
    assert.match((error as Error).message, /digits would be lost: name a rounding/);
    return 'throws';
  }
}

test('texts, digits and bytes are those of BigDecimal', () => {
  for (const [text = '', ...expected] of linesOf(facts)) {
    const decimal = Decimal.of(text);
    const { precision, scale } = decimal;
    const bytes = decimal.toBytes().toString('hex');
    assert.deepEqual(
      [decimal, decimal.toPlainString(), precision, scale, bytes, decimal.stripped()].map(String),
      expected,
    );
    assert.ok(Decimal.ofBytes(decimal.toBytes(), scale).equals(decimal));
  }
  const long = Decimal.of('12345678901234567890123456789012345678');
  assert.equal(long.toBytes().toString('hex'), '0949b0f6f0023313c4499050de38f34e');
  assert.equal(long.precision, 38);
});

test('roundings are those of BigDecimal', () => {
  const divisor = Decimal.of('-7.3');
  for (const [table, of] of [
    [whole, (each: Decimal, how: Rounding) => each.withScale(0, how)],
    [divided, (each: Decimal, how: Rounding) => each.dividedBy(divisor, 3, how)],
  ] as const) {
    for (const [text = '', expected] of linesOf(table)) {
      const found = roundings.map((how) => outcome(() => of(Decimal.of(text), how)));
      assert.equal(found.join(' '), expected, text);
    }
  }
});

const decimals = fc
  .tuple(fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n }), fc.nat(40))
  .map(([unscaled, scale]) => new Decimal(unscaled, scale - 2));

test('38 digits go round text, plain text and bytes, and sums are exact', () => {
  fc.assert(
    fc.property(decimals, decimals, (a, b) => {
      assert.deepEqual(Decimal.of(a.toString()), a);
      assert.ok(Decimal.of(a.toPlainString()).equals(a));
      assert.deepEqual(Decimal.ofBytes(a.toBytes(), a.scale), a);
      assert.ok(a.plus(b).minus(b).equals(a));
      assert.equal(a.compare(b), -b.compare(a) as number);
      if (b.sign !== 0) assert.ok(a.times(b).dividedBy(b, a.scale).equals(a));
      const rounded = a.withPrecision(10);
      assert.ok(rounded.precision <= 10);
      assert.equal(JSON.stringify({ a }), `{"a":"${a}"}`);
    }),
    { numRuns: 100 },
  );
});

test('a number is taken by its shortest digits; what is no decimal is refused', () => {
  assert.equal(Decimal.of(0.1).toString(), '0.1');
  assert.equal(Decimal.of(-0).toString(), '0');
  assert.equal(Decimal.of(2n ** 63n - 1n).toNumber(), 2 ** 63);
  for (const text of ['', '.', 'x', '1.2.3', '1e', '0x1', ' 1', '1_0', Number.NaN]) {
    assert.throws(() => Decimal.of(text), RangeError, String(text));
  }
  assert.throws(() => Decimal.of('1e9999999999'), /the scale of a decimal/);
  // A few bytes must not become a gigabyte of digits.
  assert.throws(() => Decimal.of('1e999999999').toPlainString(), /999999999 digits/);
  assert.throws(() => Decimal.of('1e999999999').plus(Decimal.of('1')), /999999999 digits/);
  assert.equal(Decimal.of('1e999999999').toString(), '1E+999999999');
  assert.throws(() => Decimal.of('1').dividedBy(Decimal.of('0'), 2), /division by zero/);
});
