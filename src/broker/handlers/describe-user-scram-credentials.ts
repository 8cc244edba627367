// DescribeUserScramCredentials (KIP-554): which mechanisms a user has, never the keys.

import { describeScram } from '../../metadata/index.ts';
import { describeUserScramCredentials } from '../../protocol/index.ts';
import { defineHandler } from '../handler.ts';

export const describeUserScramCredentialsHandler = defineHandler(
  describeUserScramCredentials,
  (request, { image }) => ({
    errorCode: 0,
    errorMessage: null,
    results: describeScram(image, request.users?.map(({ name }) => name) ?? null).map(
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
  }),
);
