// What of the metadata is printed for everybody, and what only for who keeps a copy.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResourceType } from '../metadata/index.ts';
import { encodeRecord } from '../metadata/records/index.ts';
import { metadataText } from './metadata-text.ts';

test('a dump hides the passwords of brokers that are stored as they were sent', () => {
  const text = (resourceType: number, name: string, secrets: 'hidden' | 'kept' = 'hidden') => {
    const record = { type: 'ConfigRecord', resourceType, resourceName: '1', name, value: 'v4lue' };
    return metadataText(encodeRecord(record as never), secrets);
  };
  const { BROKER, TOPIC } = ResourceType;
  for (const name of ['ssl.key.password', 'listener.name.a.ssl.key.password', 'com.example.x']) {
    assert.match(text(BROKER, name), /"value":"\[hidden\]"/, name);
    assert.match(text(BROKER, name, 'kept'), /"value":"v4lue"/);
  }
  assert.match(text(BROKER, 'num.io.threads'), /"value":"v4lue"/);
  assert.match(text(TOPIC, 'retention.ms'), /"value":"v4lue"/);
});
