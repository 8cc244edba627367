// SASL with Kerberos: the mechanism GSSAPI (RFC 4752), as a service of Kerberos and as its client.
//
//   gssapi-messages.ts  what is said behind the context of Kerberos
//   gssapi-server.ts    the exchange as a broker has it; gssapi-login.ts: as a client has it
//   ticket-renewal.ts   tickets of a client, got anew in time
//   local-names.ts      from the name of Kerberos to the name of a user
//   krb5-options.ts     what the options of Java's Krb5LoginModule say
//   open-gssapi.ts      the library and the keys, opened when they are asked for

export { gssapiLogin } from './gssapi-login.ts';
export { type GssapiServerOptions, gssapiServer } from './gssapi-server.ts';
export { keySourceOf, serviceNameOf, ticketSourcesOf } from './krb5-options.ts';
export { type LocalNames, localNames } from './local-names.ts';
export { keysOf, krb5ConfProperty, type OpenGssapi, opened } from './open-gssapi.ts';
export {
  type RenewalOptions,
  renewalDefaults,
  TicketRenewal,
  ticketRenewalOf,
} from './ticket-renewal.ts';
