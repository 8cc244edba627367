// The door to the operating system. io.ts holds the types, node-*.ts the real implementations,
// io-behaviour.ts the suite that real and simulated ones pass.
export type * from './io.ts';
export { IoError } from './io.ts';
