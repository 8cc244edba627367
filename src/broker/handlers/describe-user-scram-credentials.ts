// DescribeUserScramCredentials (KIP-554): which mechanisms a user has, never the keys.

import { describeScram } from '../../metadata/index.ts';
import { describeUserScramCredentials, type RequestOf } from '../../protocol/index.ts';
import { AclOperation, AclResource, mayOrNote, refusalOn } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const describeUserScramCredentialsHandler = defineHandler(
  describeUserScramCredentials,
  (request, context) => {
    if (!mayOrNote(context, AclOperation.DESCRIBE)) return refusedBy(request);
    return {
      errorCode: 0,
      errorMessage: null,
      results: describeScram(context.image, request.users?.map(({ name }) => name) ?? null).map(
        ({ user, error, credentials }) => ({
          user,
          errorCode: error?.code ?? 0,
          errorMessage: error?.message ?? null,
          credentialInfos:
            error === null
              ? credentials.map(({ mechanism, iterations }) => ({ mechanism, iterations }))
              : [],
        }),
      ),
    };
  },
);

/** The request is refused, and so is each of its users. */
function refusedBy({ users }: RequestOf<typeof describeUserScramCredentials>) {
  const { code: errorCode, message: errorMessage } = refusalOn(AclResource.CLUSTER);
  const refused = { errorCode, errorMessage: errorMessage as string | null };
  return {
    ...refused,
    results: (users ?? []).map(({ name: user }) => ({ user, ...refused, credentialInfos: [] })),
  };
}
