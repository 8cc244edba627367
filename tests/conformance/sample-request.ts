// A request of any API in any version, with one item in every array.

import { ZERO_UUID } from '../../src/base/uuid.ts';
import { type Api, defaultsOf, type Field, type Fields, isIn } from '../../src/protocol/index.ts';

/** As ConfigResource numbers topics. */
const topicResource = 2;

export function sampleRequest(api: Api, version: number): Record<string, unknown> {
  return sampleOf(api.request.fields, version);
}

function sampleOf(fields: Fields, version: number): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    if (isIn(field.versions, version)) value[name] = sampleField(field, name, version);
  }
  return value;
}

function sampleField(field: Field, name: string, version: number): unknown {
  if (isIn(field.nullable, version)) return null;
  if (name === 'acks') return 1;
  if (name === 'entityType') return 'user';
  if (name === 'resourceTypes') return [topicResource];
  if (field.kind === 'array' && typeof field.element === 'object' && field.element !== null) {
    return [sampleOf(field.element as Fields, version)];
  }
  if (field.kind === 'array') {
    if (field.element === 'string') return ['t'];
    return [field.element === 'uuid' ? ZERO_UUID : 0];
  }
  if (field.scalar === 'string') return /software/i.test(name) ? 'x' : 't';
  return defaultsOf({ field }).field;
}
