// Connections that will be closed: how long they are kept, and how many of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { ScriptedConnection } from '../../tests/doubles/network/scripted-connection.ts';
import { Condemned } from './condemned.ts';

test('a connection that will be closed is kept for its time, unread', () =>
  simulate(async (io) => {
    const condemned = new Condemned(io.clock);
    const raw = new ScriptedConnection('10.0.0.2');
    condemned.hold(raw, 1000);
    assert.equal(raw.isPaused, true);
    await io.clock.sleep(999);
    assert.equal(raw.isDestroyed, false);
    await io.clock.sleep(1);
    assert.equal(raw.isDestroyed, true);
    assert.equal(condemned.count, 0);
  }));

test('one that goes by itself, and all when the listeners close, leave nothing behind', () =>
  simulate(async (io) => {
    const condemned = new Condemned(io.clock);
    const [gone, left] = [new ScriptedConnection('10.0.0.2'), new ScriptedConnection('10.0.0.2')];
    condemned.hold(gone, 1000);
    condemned.hold(left, 1000);
    gone.onClose(null);
    assert.equal(condemned.count, 1);
    condemned.closeAll();
    assert.equal(condemned.count, 0);
    assert.equal(left.isDestroyed, true);
  }));

test('of too many the oldest is closed at once', () =>
  simulate(async (io) => {
    const condemned = new Condemned(io.clock);
    const all = Array.from({ length: 2001 }, () => new ScriptedConnection('10.0.0.2'));
    for (const raw of all) condemned.hold(raw, 1000);
    assert.equal(condemned.count, 2000);
    assert.deepEqual([all[0]?.isDestroyed, all[1]?.isDestroyed], [true, false]);
    condemned.closeAll();
  }));
