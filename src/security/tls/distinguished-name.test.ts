// Names in certificates: beside what Java says of the same bytes, and of bytes that are no names.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { golden } from '../../../tests/doubles/security/key-stores.ts';
import { Prng } from '../../base/prng.ts';
import { DerError, readDer } from './der.ts';
import { distinguishedName, subjectName } from './distinguished-name.ts';

import { pemCertificates } from './pem.ts';

const nameOf = (hex: string): string => distinguishedName(readDer(Buffer.from(hex, 'hex')));

describe('a distinguished name', () => {
  test('is the text that Java gives it', () => {
    const lines = readFileSync(golden('java-names.txt'), 'utf8').trimEnd().split('\n').slice(1);
    assert.ok(lines.length > 40);
    for (const line of lines) {
      const [hex = '', ...rest] = line.split(' ');
      const expected = rest
        .join(' ')
        .replace(/\\u([0-9a-f]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
      assert.equal(nameOf(hex), expected, line);
    }
  });

  test('with a NUL is another one than that of the text before it', () => {
    const [short, long] = ['300c310a300806035504030c0161', '300e310c300a06035504030c03610062'];
    assert.equal(nameOf(short), 'CN=a');
    assert.equal(nameOf(long), 'CN=a\\00b');
  });

  test('of a million blanks is found at once', () => {
    const value = Buffer.alloc(1_000_000, ' ');
    const size = (extra: number): Buffer => {
      const bytes = Buffer.alloc(5, 0x84);
      bytes.writeUInt32BE(value.length + extra, 1);
      return bytes;
    };
    const name = Buffer.concat([
      ...[Buffer.from([0x30]), size(23), Buffer.from([0x31]), size(17), Buffer.from([0x30])],
      ...[size(11), Buffer.from('0603550403', 'hex'), Buffer.from([0x0c]), size(0), value],
    ]);
    assert.equal(distinguishedName(readDer(name)).length, 2_000_003);
  });

  test('is the subject of a certificate', () => {
    const [first] = pemCertificates(readFileSync(golden('chain.pem'), 'utf8'));
    assert.equal(subjectName(first as Buffer), 'CN=localhost,OU=ec,O=Partita');
  });

  test('of a certificate that is changed or cut is a name or an error, whatever the bytes', () => {
    const prng = new Prng('names');
    const [first = Buffer.alloc(0)] = pemCertificates(readFileSync(golden('chain.pem'), 'utf8'));
    let refused = 0;
    for (let round = 0; round < 3_000; round++) {
      const changed = Buffer.from(first.subarray(0, first.length - prng.int(2) * prng.int(400)));
      for (let count = prng.int(4); count > 0; count--) {
        changed[prng.int(changed.length)] = prng.int(256);
      }
      try {
        assert.equal(typeof subjectName(changed), 'string');
      } catch (error) {
        if (!(error instanceof DerError)) throw error;
        refused++;
      }
    }
    assert.ok(refused > 500);
  });
});
