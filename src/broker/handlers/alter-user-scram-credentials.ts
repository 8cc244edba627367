// AlterUserScramCredentials (KIP-554): the controller keeps what is derived from the passwords.

import { alterUserScramCredentials } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const alterUserScramCredentialsHandler = defineHandler(
  alterUserScramCredentials,
  async (request, context) => {
    assertMayOnCluster(context, AclOperation.ALTER);
    const { broker, client } = context;
    const results = await broker.controllerFor(client).alterScramCredentials({
      deletions: request.deletions.map(({ name, mechanism }) => ({ user: name, mechanism })),
      upsertions: request.upsertions.map(({ name, ...credential }) => ({
        user: name,
        ...credential,
      })),
    });
    return {
      results: results.map(({ user, error }) => ({
        user,
        errorCode: error?.code ?? 0,
        errorMessage: error?.message ?? null,
      })),
    };
  },
);
