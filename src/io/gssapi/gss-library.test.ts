// What a machine without Kerberos is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadGssLibrary } from './gss-library.ts';

test('what is missing is named with how to get it, in one line', () => {
  const refused = (require: () => unknown, message: RegExp): void => {
    assert.throws(
      () => loadGssLibrary(require),
      (error: Error) => {
        assert.equal(error.name, 'GssLibraryMissing');
        assert.match(error.message, message);
        assert.ok(!error.message.includes('\n'));
        return true;
      },
    );
  };
  const fails = (code: string) => (): never => {
    throw Object.assign(new Error('Cannot find it\nRequire stack:\n- /a'), { code });
  };
  refused(
    fails('MODULE_NOT_FOUND'),
    /^GSSAPI needs the package koffi, which is not installed: npm install koffi$/,
  );
  refused(fails('ERR_DLOPEN_FAILED'), /^GSSAPI needs .* be loaded \(Cannot find it\): npm install/);
  const withoutLibrary = { load: fails('') };
  refused(
    () => withoutLibrary,
    /^GSSAPI needs the system's library libgssapi_krb5.* \(Cannot find it\): .*install/,
  );
});
