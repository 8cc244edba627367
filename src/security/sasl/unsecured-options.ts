// The options of Kafka's OAuthBearerLoginModule for tokens without a signature (KIP-255):
// `unsecuredLogin…` of who makes them, `unsecuredValidator…` of who takes them.

import { ConfigError } from '../../config/index.ts';
import type { Clock } from '../../io/index.ts';
import type { TokenSource } from './bearer-login.ts';
import type { TokenCheck } from './bearer-server.ts';
import { type UnsecuredCheckOptions, unsecuredCheck, unsecuredToken } from './unsecured-token.ts';

type Options = ReadonlyMap<string, string>;

const lifetimeSecondsDefault = 3600;

export function unsecuredCheckOf(clock: Clock, options: Options): TokenCheck {
  const text = (name: string): string | undefined => options.get(`unsecuredValidator${name}`);
  const settings: UnsecuredCheckOptions = {
    principalClaim: text('PrincipalClaimName') ?? 'sub',
    scopeClaim: text('ScopeClaimName') ?? 'scope',
    requiredScope: (text('RequiredScope') ?? '').split(/\s+/).filter((each) => each !== ''),
    skewMs: numberOf(options, 'unsecuredValidatorAllowableClockSkewMs', 0),
  };
  return unsecuredCheck(clock, settings);
}

/** null: the options have no claim, so that there is nobody to be. */
export function unsecuredSourceOf(clock: Clock, options: Options): TokenSource | null {
  const claims = claimsOf(options);
  if (Object.keys(claims).length === 0) return null;
  const seconds = numberOf(options, 'unsecuredLoginLifetimeSeconds', lifetimeSecondsDefault);
  const principal = options.get('unsecuredLoginPrincipalClaimName') ?? 'sub';
  if (typeof claims[principal] !== 'string') {
    const option = `unsecuredLoginStringClaim_${principal}`;
    throw new ConfigError(null, `OAUTHBEARER needs somebody to be: add ${option}="…"`);
  }
  return () => {
    const value = unsecuredToken(clock, { claims, lifetimeSeconds: seconds });
    return { value, expiresAtMs: clock.now() + seconds * 1000 };
  };
}

/** unsecuredLoginExtension_NAME="value" */
export function extensionsOf(options: Options): ReadonlyMap<string, string> {
  const prefix = 'unsecuredLoginExtension_';
  const found = new Map<string, string>();
  for (const [name, value] of options) {
    if (name.startsWith(prefix)) found.set(name.slice(prefix.length), value);
  }
  return found;
}

function claimsOf(options: Options): Record<string, unknown> {
  const claims: Record<string, unknown> = {};
  for (const [name, value] of options) {
    const [, kind, claim] = /^unsecuredLogin(String|Number|List)Claim_(.+)$/.exec(name) ?? [];
    if (claim === undefined) continue;
    if (kind === 'String') claims[claim] = value;
    if (kind === 'Number') claims[claim] = numberOf(options, name, 0);
    // As in Kafka the first character says what stands between the items.
    if (kind === 'List') claims[claim] = value.slice(1).split(value.charAt(0));
  }
  return claims;
}

function numberOf(options: Options, name: string, otherwise: number): number {
  const text = options.get(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new ConfigError(null, `the option ${name} of OAUTHBEARER: expected a number of at least 0`);
}
