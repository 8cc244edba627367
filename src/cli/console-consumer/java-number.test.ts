// Floating-point numbers as Double.toString and Float.toString of Java 19 and later have them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { javaDouble, javaFloat } from './java-number.ts';

describe('a number in the manner of Java', () => {
  test('has at least one digit behind the point', () => {
    assert.equal(javaDouble(1), '1.0');
    assert.equal(javaDouble(-1234.5), '-1234.5');
    assert.equal(javaDouble(100), '100.0');
    assert.equal(javaDouble(0.001), '0.001');
  });

  test('has an exponent when it is very large or very small', () => {
    assert.equal(javaDouble(1e7), '1.0E7');
    assert.equal(javaDouble(9999999), '9999999.0');
    assert.equal(javaDouble(1.25e-4), '1.25E-4');
    assert.equal(javaDouble(Number.MAX_VALUE), '1.7976931348623157E308');
  });

  test('is printed with the digits that a float needs', () => {
    assert.equal(javaFloat(Math.fround(0.1)), '0.1');
    assert.equal(javaFloat(Math.fround(3.4028235e38)), '3.4028235E38');
    assert.equal(javaFloat(16777216), '1.6777216E7');
  });

  test('may be no number', () => {
    assert.equal(javaDouble(Number.NaN), 'NaN');
    assert.equal(javaFloat(Number.NEGATIVE_INFINITY), '-Infinity');
    assert.equal(javaDouble(-0), '-0.0');
  });
});
