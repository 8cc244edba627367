// SASL, TLS and ACLs: who somebody is and what they may do. Nothing here knows of brokers or
// clients; both use it.
//
//   principal.ts   who somebody is

export {
  anonymous,
  type Principal,
  parsePrincipal,
  principalText,
  userPrincipal,
} from './principal.ts';
