// Delegation tokens (KIP-48): a user has a broker make one, and whoever holds it is that user for
// a while. Nothing here is asked for where delegation.token.secret.key is not set.
//
//   delegation-token.ts   what a token is, and whose it is
//   token-hmac.ts         its secret, which the brokers derive and nobody keeps
//   token-index.ts        tokens by their secret, for who renews and ends them

export {
  type DelegationToken,
  isExpired,
  isOwnerOrRenewer,
  mayRenew,
  tokenPrincipal,
} from './delegation-token.ts';
export { tokenHmac } from './token-hmac.ts';
export { TokenIndex } from './token-index.ts';
