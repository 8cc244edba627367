// Classes of errors that know their own across copies. A program may hold a library twice: bundled
// and installed, or as an ES module and by require. An error of one copy is then no instance of
// the other's class, and `instanceof` answers by the names that the error carries instead.
//
// Invariant: the names of a class are those of its parents and its own, so that `instanceof` still
// holds for every parent; a class that was not branded is recognised as JavaScript does it.

const brand = Symbol.for('partita.error');

interface Branded {
  readonly [brand]?: readonly string[];
}

type Class = (abstract new (...args: never) => unknown) & { readonly prototype: object };

/** Within the class: `static { branded(ThisError, 'ThisError'); }`. The name never changes. */
export function branded(of: Class, name: string): void {
  const names = [...((of.prototype as Branded)[brand] ?? []), name];
  Object.defineProperty(of.prototype, brand, { value: names });
  Object.defineProperty(of, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A class below that has no brand of its own has inherited this function.
      if (this !== of) return Function.prototype[Symbol.hasInstance].call(this as never, value);
      return namesOf(value).includes(name);
    },
  });
}

/** The names of the branded classes that a value is of, the most general one first. */
export function namesOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return (value as Branded)[brand] ?? [];
}
