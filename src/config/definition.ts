// What a configuration key is: type, default, what values it takes, how it may be changed, and
// what it does. The tables of broker-*.ts, topic-definitions.ts and group-definitions.ts are
// written with the makers below, and everything else (parsing, errors, docs, DescribeConfigs) is
// read from them.
//
// Invariant: a key whose default is null and that has no fallback yields `null` until it is set;
// the type of `get` says so, because the maker infers it from the default.

export type ConfigType =
  | 'boolean'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'string'
  | 'list'
  | 'password'
  | 'class';

export type ConfigValue = boolean | number | string | readonly string[] | null;

/** How a running broker lets a key be changed: not at all, for one broker, or for all of them. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide';

export type Importance = 'high' | 'medium' | 'low';

/** Where the value comes from while the key itself is not set: another key, times a factor. */
export interface Fallback {
  readonly key: string;
  readonly factor: number;
}

export interface DefinitionOptions {
  readonly importance?: Importance;
  readonly update?: UpdateMode;
  /** Smallest and largest number, both allowed. */
  readonly min?: number;
  readonly max?: number;
  /** One more number that is allowed outside of the range. */
  readonly or?: number;
  /** The words a string, or each item of a list, may be. */
  readonly oneOf?: readonly string[];
  readonly isCaseInsensitive?: boolean;
  /** A list or a string that must not be empty. */
  readonly notEmpty?: boolean;
  /** What else a value must look like, in words; `check` decides. */
  readonly shape?: string;
  readonly check?: (value: string) => boolean;
  /** Whether there is a secret in the value: it is shown no more than a password then. */
  readonly holdsSecret?: (value: string) => boolean;
  readonly fallbacks?: readonly Fallback[];
  /** Kafka keeps it out of its documentation; understood all the same. */
  readonly internal?: boolean;
  /** Why setting the key changes nothing here. Absent: the key is served. */
  readonly accepted?: string;
}

export interface Definition<V extends ConfigValue = ConfigValue> extends DefinitionOptions {
  readonly type: ConfigType;
  readonly default: V | null;
  readonly doc: string;
  readonly importance: Importance;
  readonly update: UpdateMode;
  /** Only there to carry the type of the value. */
  readonly value?: V;
}

/** The type of the value of a definition. */
export type ValueOf<D> = D extends Definition<infer V> ? V : never;

export type Definitions = Readonly<Record<string, Definition>>;

/** What a maker's default adds to the type of the value: null where the default is null. */
type Nullable<D> = Extract<D, null>;

function define<V extends ConfigValue>(
  type: ConfigType,
  default_: V | null,
  doc: string,
  options: DefinitionOptions,
): Definition<V> {
  return { importance: 'medium', update: 'read-only', ...options, type, default: default_, doc };
}

export const boolean = <D extends boolean | null>(
  default_: D,
  doc: string,
  options: DefinitionOptions = {},
): Definition<boolean | Nullable<D>> =>
  define<boolean | Nullable<D>>('boolean', default_, doc, options);

export const int = <D extends number | null>(
  default_: D,
  doc: string,
  options: DefinitionOptions = {},
): Definition<number | Nullable<D>> => define<number | Nullable<D>>('int', default_, doc, options);

export const short = (
  default_: number,
  doc: string,
  options: DefinitionOptions = {},
): Definition<number> => define('short', default_, doc, options);

export const long = <D extends number | null>(
  default_: D,
  doc: string,
  options: DefinitionOptions = {},
): Definition<number | Nullable<D>> => define<number | Nullable<D>>('long', default_, doc, options);

/** A number whose value, while it is not set, is another key's: `log.retention.ms` and its kin. */
export const numberFrom = (
  type: 'int' | 'long',
  fallbacks: readonly Fallback[],
  doc: string,
  options: DefinitionOptions = {},
): Definition<number> => define<number>(type, null, doc, { ...options, fallbacks });

export const double = (
  default_: number,
  doc: string,
  options: DefinitionOptions = {},
): Definition<number> => define('double', default_, doc, options);

export const string = <D extends string | null>(
  default_: D,
  doc: string,
  options: DefinitionOptions = {},
): Definition<string | Nullable<D>> =>
  define<string | Nullable<D>>('string', default_, doc, options);

export const className = <D extends string | null>(
  default_: D,
  doc: string,
  options: DefinitionOptions = {},
): Definition<string | Nullable<D>> =>
  define<string | Nullable<D>>('class', default_, doc, options);

/** A secret: never shown in errors, logs or DescribeConfigs. */
export const password = (doc: string, options: DefinitionOptions = {}): Definition<string | null> =>
  define<string | null>('password', null, doc, options);

/** Items between commas; `null` is the default of lists that Kafka leaves unset. */
export const list = <D extends readonly string[] | null>(
  default_: D,
  doc: string,
  options: DefinitionOptions = {},
): Definition<readonly string[] | Nullable<D>> =>
  define<readonly string[] | Nullable<D>>('list', default_, doc, options);

/** A list whose items, while it is not set, are another key's: `log.dirs`. */
export const listFrom = (
  fallbacks: readonly Fallback[],
  doc: string,
  options: DefinitionOptions = {},
): Definition<readonly string[]> =>
  define<readonly string[]>('list', null, doc, { ...options, fallbacks });

export const from = (key: string, factor = 1): Fallback => ({ key, factor });

/** Marks a whole table as understood but without effect, for one reason. */
export function acceptedOnly<const T extends Definitions>(reason: string, table: T): T {
  const marked: Record<string, Definition> = {};
  for (const [name, definition] of Object.entries(table)) {
    marked[name] = { ...definition, accepted: definition.accepted ?? reason };
  }
  return marked as T;
}

/** Whether the value must be in no error, log or answer; what nobody knows may be a secret. */
export function isSensitive(definition: Definition | undefined, value: ConfigValue): boolean {
  if (definition === undefined || definition.type === 'password') return true;
  return typeof value === 'string' && definition.holdsSecret?.(value) === true;
}
