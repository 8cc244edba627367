// SASL: exchanges in which a client proves who it is, as their server and as their client have
// them, and what configures them. It is loaded where a listener or a client asks for it.
//
//   sasl-exchange.ts      a token in, a token out; same-secret.ts: compared in constant time
//   plain.ts              PLAIN: a name and a password
//   scram-server.ts       SCRAM, its two sides (scram-login.ts: the client's); scram-messages.ts,
//                         scram-keys.ts: what is said and what is computed
//   bearer-server.ts      OAUTHBEARER, its two sides (bearer-login.ts: the client's), and
//                         bearer-messages.ts. Tokens: json-web-token.ts, unsecured-token.ts with
//                         unsecured-options.ts; signed-token.ts with token-keys.ts; http-fetch.ts:
//                         who may be asked; token-endpoint.ts: where a client gets them
//   jaas-file.ts          Java's configuration of logins; jaas-source.ts: where it is;
//                         login-modules.ts: whose options are whose
//   ../kerberos/          GSSAPI
//   token-logins.ts       SCRAM with delegation tokens
//   server-mechanisms.ts  what a listener offers
//   client-login.ts       who a client is

export { type BearerToken, bearerLogin, type TokenSource } from './bearer-login.ts';
export { bearerServer } from './bearer-server.ts';
export {
  type ClientLoginOptions,
  clientLogin,
  type KerberosOptions,
  type TokenEndpointOptions,
} from './client-login.ts';
export {
  allowedUrlsProperty,
  type HttpAnswer,
  type HttpFetch,
  type HttpRequest,
  urlRefusal,
} from './http-fetch.ts';
export { type JaasEntry, type JaasSections, parseJaas, parseJaasConfig } from './jaas-file.ts';
export {
  brokerJaas,
  brokerJaasKey,
  type JaasSource,
  jaasOfKey,
  jaasProperty,
  readJaasFile,
  sectionOf,
} from './jaas-source.ts';
export { assertMechanism, demandedOptions, optionsOf, servedMechanisms } from './login-modules.ts';
export { plainServer } from './plain.ts';
export {
  SaslError,
  type SaslExchange,
  type SaslIdentity,
  type SaslLogin,
  type SaslServer,
  type SaslStep,
} from './sasl-exchange.ts';
export { type ScramMechanism, saltedPassword, scramKeys, scramMechanism } from './scram-keys.ts';
export { scramServer } from './scram-server.ts';
export {
  type ServerMechanism,
  type ServerMechanismsOptions,
  serverMechanisms,
} from './server-mechanisms.ts';
export { expiryOf } from './token-endpoint.ts';
export { TokenLogins } from './token-logins.ts';
export { unsecuredCheckOf } from './unsecured-options.ts';
