// SASL, TLS and ACLs: who somebody is and what they may do. Nothing here knows of brokers or
// clients; both use it.
//
//   principal.ts   who somebody is
//   tls/           key stores, trust stores and names in certificates: a door of its own, which
//                  is loaded when something is encrypted
//   sasl/          how somebody proves that, loaded where it is asked for
//   kerberos/      the same with Kerberos, for sasl/
//   replacement.ts what rules for names make of a match
//   audit/         who was let in, and who was refused what: loaded where that is asked for
//   acl/           access control, a door of its own
//   tokens/        delegation tokens, a door of its own

export {
  anonymous,
  type Principal,
  parsePrincipal,
  principalFromBytes,
  principalText,
  principalToBytes,
  userPrincipal,
} from './principal.ts';
