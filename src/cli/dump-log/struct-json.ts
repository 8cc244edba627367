// A struct as JSON in the manner of Kafka's generated converters: fields in the order of the
// schema, without those that the version does not have, and without tagged ones that hold their
// default.

import { defaultsOf, type Fields, type Struct, type VersionRange } from '../../protocol/index.ts';

export function structJson(struct: Struct, version: number, value: object): object {
  return fieldsJson(struct.fields, version, value as Record<string, unknown>);
}

function fieldsJson(
  fields: Fields,
  version: number,
  value: Record<string, unknown>,
): Record<string, unknown> {
  const defaults = defaultsOf(fields);
  const json: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (!includes(field.versions, version)) continue;
    const isDefault = JSON.stringify(value[name]) === JSON.stringify(defaults[name]);
    if (includes(field.tagged, version) && isDefault) continue;
    json[name] = elementJson(field.element, version, value[name]);
  }
  return json;
}

function elementJson(element: unknown, version: number, value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (typeof element !== 'object' || element === null || value === null) return value;
  const fields = element as Fields;
  return Array.isArray(value)
    ? value.map((each) => fieldsJson(fields, version, each as Record<string, unknown>))
    : fieldsJson(fields, version, value as Record<string, unknown>);
}

function includes({ min, max }: VersionRange, version: number): boolean {
  return version >= min && version <= max;
}
