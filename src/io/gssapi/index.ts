// Kerberos of the operating system. It is loaded by who speaks SASL, and opens the system's library
// when a listener or a client asks for GSSAPI.
//
//   gssapi.ts          the types
//   gss-library.ts     the functions of libgssapi_krb5 and libkrb5, called through koffi
//   system-gssapi.ts   the types on top of these functions

export { GssLibraryMissing } from './gss-library.ts';
export {
  type Gssapi,
  type GssContext,
  GssError,
  type GssErrorKind,
  type GssKeys,
  type GssStep,
  type GssTickets,
  type KeySource,
  type TicketSource,
} from './gssapi.ts';
export { systemGssapi } from './system-gssapi.ts';
