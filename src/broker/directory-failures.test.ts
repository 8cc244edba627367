// Who hears of a log directory that fails while the broker starts, without a broker around it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from '../../sim/index.ts';
import { loadBrokerConfig } from '../config/index.ts';
import { type Disk, type Io, IoError } from '../io/index.ts';
import { type LogDirectory, LogResources } from '../storage/index.ts';
import { LogDirectories } from './log-directories.ts';

const error = new IoError('EIO', 'the disk is gone');

function open(
  io: Io,
  paths: string,
  onFatal: (error: Error) => void,
  holdsMetadata = true,
): Promise<LogDirectories> {
  const overrides: [string, string][] = [['log.dirs', paths]];
  const { config } = loadBrokerConfig({ overrides });
  return LogDirectories.open(io, config, {
    resources: new LogResources(io),
    mayLose: false,
    holdsMetadata,
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

test('a member of a cluster goes on without its first directory', () =>
  simulate(async (io) => {
    const directories = await open(io, '/a,/b', nobody, false);
    const told: string[] = [];
    directories.handOver(({ path }) => told.push(path));
    directories.opened[0]?.health.fail(error);
    assert.deepEqual(told, ['/a']);
    await directories.abandon();
  }));

test('a member starts without its first directory, and not without all of them', () =>
  simulate(async (io) => {
    const without = (...lost: readonly string[]): Io => {
      const makeDirectory: Disk['makeDirectory'] = (path, parents) => {
        if (lost.some((each) => path.startsWith(each))) throw error;
        io.disk.makeDirectory(path, parents);
      };
      const disk = new Proxy(io.disk, {
        get(target, name) {
          if (name === 'makeDirectory') return makeDirectory;
          const value = Reflect.get(target, name) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      return { ...io, disk };
    };
    const directories = await open(without('/a'), '/a,/b', nobody, false);
    assert.deepEqual(directories.offlinePaths, ['/a']);
    assert.deepEqual(
      directories.opened.map(({ path }) => path),
      ['/b'],
    );
    await directories.abandon();
    await assert.rejects(open(without('/a'), '/a,/b', nobody), /\/a/);
    await assert.rejects(open(without('/a', '/b'), '/a,/b', nobody, false), /\/b/);
  }));

test('directories that are opened are let go of when another one cannot be', () =>
  simulate(async (io) => {
    const other = await open(io, '/b', nobody);
    await assert.rejects(open(io, '/a,/b', nobody), /\/b/);
    const again = await open(io, '/a', nobody);
    await Promise.all([again.abandon(), other.abandon()]);
  }));
