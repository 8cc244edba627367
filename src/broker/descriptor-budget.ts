// How the descriptors that the system grants the process (ulimit -n) are shared between connections
// and segment files. Files give way: one that is closed is opened again when it is needed, a
// connection is not.
//
// Invariant: what is granted never exceeds the limit less a reserve for what is open for a moment
// only (checkpoints, indexes, folders) and for the process itself.

/** More segment files than this are of no use (a few busy ones are open, whatever is stored). */
const filesMax = 1024;
/** With fewer, a log that is written to and one that is read would take turns. */
const filesMin = 64;
/** The process itself takes half of it. */
const reserveMin = 48;
const reserveMax = 256;

export class DescriptorBudget {
  /** As the system says; Infinity where it does not. */
  readonly descriptorsMax: number;
  readonly #shared: number;

  constructor(descriptorsMax: number) {
    this.descriptorsMax = descriptorsMax;
    const reserve = Math.max(reserveMin, Math.min(reserveMax, Math.floor(descriptorsMax / 3)));
    this.#shared = Math.max(descriptorsMax - reserve, 8);
  }

  /** Connections that may be open at the same time. */
  get socketsMax(): number {
    return Math.max(this.#shared - Math.min(filesMin, Math.floor(this.#shared / 4)), 1);
  }

  /** Segment files that may be open beside so many connections. */
  filesBeside(socketCount: number): number {
    return Math.max(Math.min(filesMax, this.#shared - socketCount), 4);
  }
}
