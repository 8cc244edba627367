// `partita start --secure`: a broker that only its administrator can use, by one flag. Loaded by a
// start that asks for it.
//
//   secured-start.ts     what the configuration may say beside it, and what it becomes
//   secured-folder.ts    the files that a first start makes and later ones find, completed
//   certificates.ts      the authority for development, and the certificate of the brokers

export { type Secured, secured, securedBefore } from './secured-start.ts';
