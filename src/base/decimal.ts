// Decimal numbers of any length: an unscaled bigint and a scale, as Java's BigDecimal, SQL's
// NUMERIC and the decimals of Avro and Connect have them.
//
// Invariant: value = unscaled / 10^scale, exactly; nothing is rounded unless a rounding is named.

/** Java's RoundingMode, by its names. `UNNECESSARY` throws where something would be lost. */
export type Rounding =
  | 'UP'
  | 'DOWN'
  | 'CEILING'
  | 'FLOOR'
  | 'HALF_UP'
  | 'HALF_DOWN'
  | 'HALF_EVEN'
  | 'UNNECESSARY';

/** Java's: a scale is an int32. */
const scaleMax = 0x7fff_ffff;
/** Nobody has a number of so many digits, and one could fill the memory: `1e999999999`. */
const digitsMax = 100_000;

/**
 * A decimal number of any length, exactly `unscaled / 10^scale`, as Java's BigDecimal. It does not
 * change: every calculation makes a new one.
 */
export class Decimal {
  /** All digits as one whole number: 1250n of 12.50. */
  readonly unscaled: bigint;
  /** How many of the digits stand behind the point: 2 of 12.50. Negative: zeros in front of it. */
  readonly scale: number;

  /** Throws a RangeError for a scale that is no int32. */
  constructor(unscaled: bigint, scale = 0) {
    if (!Number.isInteger(scale) || Math.abs(scale) > scaleMax) {
      throw new RangeError(`the scale of a decimal is a whole number of 32 bits, not ${scale}`);
    }
    this.unscaled = unscaled;
    this.scale = scale;
  }

  /**
   * From text (`-12.50`, `1E+3`, with the scale that it shows), from a bigint, or from a number by
   * its shortest digits (0.1 is 0.1). Throws a RangeError for what is no decimal.
   */
  static of(value: string | bigint | number | Decimal): Decimal {
    if (typeof value === 'object') return value;
    if (typeof value === 'bigint') return new Decimal(value);
    const text = Object.is(value, -0) ? '0' : String(value);
    const match = form.exec(text);
    if (match === null) throw new RangeError(`${JSON.stringify(text)} is no decimal number`);
    const [, sign, whole = '', part = '', exponent = '0'] = match;
    const unscaled = BigInt(`${whole}${part}`);
    return new Decimal(sign === '-' ? -unscaled : unscaled, part.length - Number(exponent));
  }

  /** From two's complement, big-endian, as Avro and Connect write it. No bytes are 0. */
  static ofBytes(bytes: Uint8Array, scale: number): Decimal {
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
    const value = hex === '' ? 0n : BigInt(`0x${hex}`);
    return new Decimal(BigInt.asIntN(bytes.length * 8, value), scale);
  }

  /** Two's complement, big-endian, in as few bytes as hold it (Java's BigInteger.toByteArray). */
  toBytes(): Buffer {
    const { unscaled } = this;
    const magnitude = unscaled < 0n ? -unscaled - 1n : unscaled;
    const byteCount = Math.floor((magnitude === 0n ? 0 : magnitude.toString(2).length) / 8) + 1;
    const hex = BigInt.asUintN(byteCount * 8, unscaled).toString(16);
    return Buffer.from(hex.padStart(byteCount * 2, '0'), 'hex');
  }

  /** How many digits the unscaled value has; 1 for zero. */
  get precision(): number {
    return digitsOf(this.unscaled).length;
  }

  /** -1 below zero, 0 for zero, 1 above. */
  get sign(): -1 | 0 | 1 {
    return this.unscaled === 0n ? 0 : this.unscaled < 0n ? -1 : 1;
  }

  /** The same number with another scale. Throws a RangeError if it cannot be without `rounding`. */
  withScale(scale: number, rounding: Rounding = 'UNNECESSARY'): Decimal {
    if (scale >= this.scale) {
      return new Decimal(this.unscaled * power(scale - this.scale), scale);
    }
    return new Decimal(divided(this.unscaled, power(this.scale - scale), rounding), scale);
  }

  /** With at most so many digits, by rounding. */
  withPrecision(precision: number, rounding: Rounding = 'HALF_UP'): Decimal {
    let rounded: Decimal = this;
    // 99.9 has three digits when it is rounded to two.
    while (rounded.precision > precision) {
      rounded = rounded.withScale(rounded.scale - (rounded.precision - precision), rounding);
    }
    return rounded;
  }

  /** The sum, exactly, with the larger scale of the two. */
  plus(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale);
    return new Decimal(this.withScale(scale).unscaled + other.withScale(scale).unscaled, scale);
  }

  /** The difference, exactly, with the larger scale of the two. */
  minus(other: Decimal): Decimal {
    return this.plus(other.negated());
  }

  /** The product, exactly; the scales are added. */
  times(other: Decimal): Decimal {
    return new Decimal(this.unscaled * other.unscaled, this.scale + other.scale);
  }

  /**
   * The quotient with this scale. Throws a RangeError for a division by zero, and without
   * `rounding` for one that is not exact.
   */
  dividedBy(other: Decimal, scale: number, rounding: Rounding = 'UNNECESSARY'): Decimal {
    if (other.unscaled === 0n) throw new RangeError('division by zero');
    const shift = scale + other.scale - this.scale;
    const dividend = shift >= 0 ? this.unscaled * power(shift) : this.unscaled;
    const divisor = shift >= 0 ? other.unscaled : other.unscaled * power(-shift);
    return new Decimal(divided(dividend, divisor, rounding), scale);
  }

  /** The number with the other sign. */
  negated(): Decimal {
    return new Decimal(-this.unscaled, this.scale);
  }

  /** Without zeros at its end: 1.20 is 1.2, 100 is 1E+2. */
  stripped(): Decimal {
    if (this.unscaled === 0n) return new Decimal(0n);
    const digits = String(this.unscaled);
    const zeros = digits.length - digits.replace(/0+$/, '').length;
    return new Decimal(this.unscaled / 10n ** BigInt(zeros), this.scale - zeros);
  }

  /** By value: 1.0 and 1.00 are equal, as for Java's compareTo (its equals tells them apart). */
  compare(other: Decimal): -1 | 0 | 1 {
    const difference = this.minus(other).unscaled;
    return difference === 0n ? 0 : difference < 0n ? -1 : 1;
  }

  /** Whether the values are the same: 1.0 equals 1.00. */
  equals(other: Decimal): boolean {
    return this.compare(other) === 0;
  }

  /** The nearest number: digits may be lost. */
  toNumber(): number {
    return Number(`${this.unscaled}E${-this.scale}`);
  }

  /** Without an exponent, as SQL writes it (Java's toPlainString). */
  toPlainString(): string {
    const { unscaled, scale } = this;
    if (unscaled === 0n && scale <= 0) return '0';
    if (scale <= 0) return `${unscaled}${'0'.repeat(printable(-scale))}`;
    const digits = digitsOf(unscaled).padStart(printable(scale) + 1, '0');
    const at = digits.length - scale;
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, at)}.${digits.slice(at)}`;
  }

  /** As Java's BigDecimal.toString, with an exponent where that is shorter. */
  toString(): string {
    const { unscaled, scale } = this;
    const digits = digitsOf(unscaled);
    const exponent = digits.length - 1 - scale;
    if (scale >= 0 && exponent >= -6) return this.toPlainString();
    const sign = unscaled < 0n ? '-' : '';
    const mantissa = digits.length === 1 ? digits : `${digits[0]}.${digits.slice(1)}`;
    return `${sign}${mantissa}E${exponent < 0 ? '' : '+'}${exponent}`;
  }

  /** The text: a JSON number would be rounded by whoever reads it. */
  toJSON(): string {
    return this.toString();
  }
}

const form = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,10}))?$/;

const digitsOf = (value: bigint): string => String(value < 0n ? -value : value);

function printable(count: number): number {
  if (count <= digitsMax) return count;
  throw new RangeError(`a decimal of ${count} digits is not written out`);
}

function power(exponent: number): bigint {
  return 10n ** BigInt(printable(exponent));
}

/** Integer division with a rounding; the divisor is not 0. */
function divided(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  const quotient = dividend / divisor;
  const rest = dividend % divisor;
  if (rest === 0n) return quotient;
  const isNegative = dividend < 0n !== divisor < 0n;
  const twice = 2n * (rest < 0n ? -rest : rest);
  const size = divisor < 0n ? -divisor : divisor;
  const side = twice === size ? 0 : twice < size ? -1 : 1;
  if (!isAway(rounding, { side, isNegative, isOdd: quotient % 2n !== 0n })) return quotient;
  return isNegative ? quotient - 1n : quotient + 1n;
}

interface Rest {
  /** Of the half: below, on it, above. */
  readonly side: number;
  readonly isNegative: boolean;
  readonly isOdd: boolean;
}

/** Whether a number with such a rest is rounded away from zero. */
function isAway(rounding: Rounding, { side, isNegative, isOdd }: Rest): boolean {
  switch (rounding) {
    case 'UP':
      return true;
    case 'DOWN':
      return false;
    case 'CEILING':
      return !isNegative;
    case 'FLOOR':
      return isNegative;
    case 'HALF_UP':
      return side >= 0;
    case 'HALF_DOWN':
      return side > 0;
    case 'HALF_EVEN':
      return side > 0 || (side === 0 && isOdd);
    default:
      throw new RangeError('digits would be lost: name a rounding');
  }
}
