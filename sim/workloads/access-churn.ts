// An operator who grants and takes rights, makes users, gives them other passwords and deletes
// them. Each change leaves a trace of its own: an ACL that is about nothing, or a number of
// iterations that was never used before.

import type { Prng } from '../../src/base/prng.ts';
// Loading it takes time that a simulated world does not have.
import '../../src/client/client-sasl.ts';
import { Admin } from '../../src/client/index.ts';
import type { Io } from '../../src/io/index.ts';
import { KafkaError } from '../../src/protocol/index.ts';
import type { Grant } from '../checkers/index.ts';

export interface AccessChurnOptions {
  readonly bootstrapServers: string;
  readonly prng: Prng;
  readonly users: readonly string[];
  readonly topics: readonly string[];
  readonly groups: readonly string[];
  readonly pauseMsMean: number;
}

const operator = { mechanism: 'PLAIN', username: 'operator', password: 'operator-secret' };
export const operatorSecurity = { securityProtocol: 'SASL_PLAINTEXT', sasl: operator } as const;
export const scram = 'SCRAM-SHA-256';

const firstIterations = 4096;
const [topicType, groupType] = [2, 3];
const [literal, prefixed] = [3, 4];
const [deny, allow] = [2, 3];
/** ALL, READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS. */
const operations = [2, 3, 4, 8, 10];

/** The password that goes with a number of iterations. */
export function passwordOf(user: string, iterations: number): string {
  return `${user}-${iterations}`;
}

/** Never ends: its process is killed. */
export async function churnAccess(io: Io, options: AccessChurnOptions): Promise<void> {
  const { bootstrapServers, prng, users, pauseMsMean } = options;
  const admin = new Admin({ bootstrapServers, ...operatorSecurity }, io);
  // A user whom nobody has seen yet has the same password in every world.
  for (let number = 0; ; number++) {
    try {
      if (number < users.length || prng.chance(0.25)) {
        const user = users[number] ?? prng.pick(users);
        const isDeleted = number >= users.length && prng.chance(0.3);
        const iterations = firstIterations + number;
        const password = isDeleted ? null : passwordOf(user, iterations);
        await admin.credentials.alter([{ user, mechanism: scram, password, iterations }]);
      } else if (prng.chance(0.6)) {
        const drawn = Array.from({ length: 1 + prng.int(3) }, () => drawGrant(options));
        await admin.acls.create([...drawn, trace(number)]);
      } else {
        const { host: _, ...drawn } = drawGrant(options);
        const some = prng.chance(0.5) ? drawn : { ...drawn, principal: null, operation: 1 };
        await admin.acls.create([trace(number)]);
        await admin.acls.delete([{ ...some, host: null }]);
        await admin.acls.create([trace(number + 0.5)]);
      }
    } catch (error) {
      // Nobody may have answered: what became of it is what the brokers say.
      const isLost = error instanceof KafkaError || (error as Error).name === 'IoError';
      if (!isLost) throw error;
    }
    await io.clock.sleep(2 * prng.float() * pauseMsMean);
  }
}

function drawGrant({ prng, users, topics, groups }: AccessChurnOptions): Grant {
  const resourceType = prng.chance(0.8) ? topicType : groupType;
  const name = prng.pick(resourceType === topicType ? topics : groups);
  const patternType = prng.chance(0.3) ? prefixed : literal;
  const isWild = patternType === literal && prng.chance(0.2);
  return {
    ...{ resourceType, patternType },
    resourceName: isWild ? '*' : name.slice(0, patternType === prefixed ? 2 : undefined),
    principal: `User:${prng.chance(0.2) ? '*' : prng.pick(users)}`,
    host: prng.chance(0.1) ? '10.9.9.9' : '*',
    operation: prng.pick(operations),
    permissionType: prng.chance(0.2) ? deny : allow,
  };
}

function trace(number: number): Grant {
  return {
    ...{ resourceType: topicType, resourceName: `trace-${number}`, patternType: literal },
    ...{ principal: 'User:nobody', host: '*', operation: 3, permissionType: allow },
  };
}
