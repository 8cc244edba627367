// A real MIT Kerberos for one file of tests: a KDC on a free port, whose database, keytabs and
// krb5.conf are in a temporary folder, and which ends with the test.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ProgramResult, runProgram } from '../../run-program.ts';
import { freePort, isListening } from '../clusters/ports.ts';
import { bound } from '../clusters/processes.ts';
import { present } from '../toolchain.ts';

export const realm = 'PARTITA.TEST';

/** Where Debian has them; the path of a user may lack the folder. */
const programs = { kdc: '/usr/sbin/krb5kdc', admin: '/usr/sbin/kadmin.local' };
const database = '/usr/sbin/kdb5_util';

export function hasKerberos(t: TestContext): boolean {
  const isThere = Object.values(programs).every((path) => existsSync(path));
  return present(t, isThere && spawnSync('kinit', ['-V']).error === undefined, 'MIT Kerberos');
}

export class Kdc {
  readonly directory = mkdtempSync(join(tmpdir(), 'partita-kdc-'));
  #child: ChildProcess | null = null;
  #port = 0;
  #output = '';

  static async start(): Promise<Kdc> {
    const kdc = new Kdc();
    try {
      await kdc.#create();
      await kdc.start();
      return kdc;
    } catch (error) {
      await kdc.dispose();
      throw error;
    }
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  get configuration(): string {
    return this.path('krb5.conf');
  }

  /** For programs that use it, as its own do. */
  get env(): Readonly<Record<string, string>> {
    return {
      KRB5_CONFIG: this.configuration,
      KRB5_KDC_PROFILE: this.path('kdc.conf'),
      // Their JVMs do not look at KRB5_CONFIG.
      JAVA_TOOL_OPTIONS: `-Djava.security.krb5.conf=${this.configuration}`,
    };
  }

  /** A krb5.conf that differs; returns its path. */
  configure(
    name: string,
    libraryDefaults: readonly string[] = [],
    kdc = `127.0.0.1:${this.#port}`,
  ): string {
    const path = this.path(name);
    const lines = [
      '[libdefaults]',
      ...[`default_realm = ${realm}`, 'dns_lookup_kdc = false', 'dns_lookup_realm = false'],
      ...['dns_canonicalize_hostname = false', 'rdns = false', ...libraryDefaults],
      ...['[realms]', `${realm} = {`, `kdc = ${kdc}`, '}'],
      ...['[domain_realm]', `localhost = ${realm}`, ''],
    ];
    writeFileSync(path, lines.join('\n'));
    return path;
  }

  /** Makes principals with random keys; options are those of kadmin's addprinc. */
  async addPrincipals(names: readonly string[], options = ''): Promise<void> {
    const commands = names.map((name) => `addprinc -randkey ${options} ${name}`);
    await this.#admin(commands);
  }

  /** Writes the keys that the principals have now; returns the path of the keytab. */
  async keytab(name: string, principals: readonly string[]): Promise<string> {
    const path = this.path(name);
    await this.#admin([`ktadd -norandkey -k ${path} ${principals.join(' ')}`]);
    return path;
  }

  /** Gives a principal other keys: those of its keytabs are wrong from now on. */
  async changeKeys(principal: string): Promise<void> {
    await this.#admin([`cpw -randkey ${principal}`]);
  }

  /** Tickets in a cache of their own; returns its path. */
  async kinit(name: string, principal: string, ...flags: string[]): Promise<string> {
    const cache = this.path(name);
    const keytab = await this.keytab(`${name}.keytab`, [principal]);
    const args = ['-c', cache, '-k', '-t', keytab, ...flags, principal];
    assertGood(await runProgram('kinit', args, { env: this.env }));
    return cache;
  }

  async start(): Promise<void> {
    const [program, ...args] = bound([programs.kdc, '-n', '-P', this.path('kdc.pid')]) as [
      string,
      ...string[],
    ];
    const child = spawn(program, args, {
      env: { ...process.env, ...this.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
    this.#child = child;
    for (let waitedMs = 0; !(await isListening(this.#port)); waitedMs += 20) {
      if (child.exitCode !== null || waitedMs > 20_000) {
        throw new Error(`the KDC did not start:\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #create(): Promise<void> {
    this.#port = await freePort();
    this.configure('krb5.conf');
    const address = `127.0.0.1:${this.#port}`;
    const lines = [
      '[kdcdefaults]',
      ...[`kdc_listen = ${address}`, `kdc_tcp_listen = ${address}`],
      ...['[realms]', `${realm} = {`],
      ...[`database_name = ${this.path('principal')}`, `key_stash_file = ${this.path('stash')}`],
      `acl_file = ${this.path('kadm5.acl')}`,
      ...['max_life = 1h', 'max_renewable_life = 2h'],
      ...['supported_enctypes = aes256-cts-hmac-sha1-96:normal', '}', ''],
    ];
    writeFileSync(this.path('kdc.conf'), lines.join('\n'));
    const args = ['create', '-s', '-r', realm, '-P', 'master', '-W'];
    assertGood(await runProgram(database, args, { env: this.env }));
  }

  async #admin(commands: readonly string[]): Promise<void> {
    const input = `${commands.join('\n')}\nquit\n`;
    const done = await runProgram(programs.admin, ['-r', realm], { env: this.env, input });
    assertGood(done);
    // It goes on when a command fails.
    assert.doesNotMatch(done.stderr, / while /, done.stderr);
  }
}

function assertGood({ code, stdout, stderr }: ProgramResult): void {
  assert.equal(code, 0, stdout + stderr);
}
