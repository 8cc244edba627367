// Who hears of a log directory that fails while the broker starts, without a broker around it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { loadBrokerConfig } from '../config/index.ts';
import { type Io, IoError } from '../io/index.ts';
import { type LogDirectory, LogResources } from '../storage/index.ts';
import { LogDirectories } from './log-directories.ts';

const error = new IoError('EIO', 'the disk is gone');

function open(io: Io, paths: string, onFatal: (error: Error) => void): Promise<LogDirectories> {
  const overrides: [string, string][] = [['log.dirs', paths]];
  const { config } = loadBrokerConfig({ overrides });
  return LogDirectories.open(io, config, {
    resources: new LogResources(io),
    mayLose: false,
    clusterId: null,
    onFatal,
  });
}

const nobody = (fatal: Error): never => assert.fail(fatal);

test('a directory that fails before anybody has charge is told once somebody has', () =>
  simulate(async (io) => {
    const directories = await open(io, '/a,/b', nobody);
    const [, second] = directories.opened as [LogDirectory, LogDirectory];
    second.health.fail(error);
    const told: [string, string][] = [];
    directories.handOver(({ path }) => told.push(['first', path]));
    directories.handOver(({ path }) => told.push(['second', path]));
    assert.deepEqual(told, [['first', '/b']]);
    await directories.abandon();
  }));

test('the broker cannot go on without the directory of the metadata', () =>
  simulate(async (io) => {
    const fatal: Error[] = [];
    const directories = await open(io, '/a,/b', (each) => fatal.push(each));
    directories.handOver(({ path }) => assert.fail(path));
    directories.opened[0]?.health.fail(error);
    assert.equal(fatal.length, 1);
    await directories.abandon();
  }));

test('directories that are opened are let go of when another one cannot be', () =>
  simulate(async (io) => {
    const other = await open(io, '/b', nobody);
    await assert.rejects(open(io, '/a,/b', nobody), /\/b/);
    const again = await open(io, '/a', nobody);
    await Promise.all([again.abandon(), other.abandon()]);
  }));
