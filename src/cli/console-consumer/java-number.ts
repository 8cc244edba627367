// Floating-point numbers as Java prints them: at least one digit behind the point, and an
// exponent outside of 10^-3 to 10^7.

export function javaDouble(value: number): string {
  return javaText(value, value.toExponential());
}

export function javaFloat(value: number): string {
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return javaText(value, text);
  }
  return javaText(value, value.toExponential());
}

/** `shortest` is the number with as few digits as tell it apart: `-1.5e+3`. */
function javaText(value: number, shortest: string): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value < 0 ? '-Infinity' : 'Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(shortest);
  const [, sign = '', first = '', rest = '', exponentText = ''] = match ?? [];
  const exponent = Number(exponentText);
  if (exponent < -3 || exponent >= 7) {
    return `${sign}${first}.${rest === '' ? '0' : rest}E${exponent}`;
  }
  const digits = `${first}${rest}`;
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}.${fraction === '' ? '0' : fraction}`;
}
