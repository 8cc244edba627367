// The error of an option of a client.

/** An option that makes no sense. The message names it, its value and what is possible. */
export class ClientConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ClientConfigError';
  }
}
