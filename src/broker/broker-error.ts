// Why a broker did not start, in one line for the operator: what, where, and what to do about it.

import { formatListener, type Listener } from '../config/index.ts';
import { IoError } from '../io/index.ts';
import { StoreContentError } from '../metadata/index.ts';
import { ErrorCode, KafkaError } from '../protocol/index.ts';
import { LogDirectoryError } from '../storage/index.ts';

export class BrokerError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BrokerError';
  }

  /**
   * Passes on what already is a line for the operator and says what a disk refused; anything else
   * is a bug and stays one.
   */
  static from(error: unknown): unknown {
    if (error instanceof LogDirectoryError) return new BrokerError(error.message, { cause: error });
    if (error instanceof KafkaError && error.errorName === 'INCONSISTENT_CLUSTER_ID') {
      return new BrokerError(`cannot start: ${error.message}`, { cause: error });
    }
    if (error instanceof StoreContentError) {
      return new BrokerError(`cannot start: ${error.message}`, { cause: error });
    }
    const isDisk =
      error instanceof IoError ||
      (error instanceof KafkaError && error.code === ErrorCode.KAFKA_STORAGE_ERROR);
    if (!isDisk) return error;
    const isFull = /ENOSPC|no space/i.test(`${(error as { code: unknown }).code} ${error.message}`);
    const isShort = /\((EMFILE|ENFILE)\)/.test(error.message);
    const remedy = isFull
      ? 'make room on the disk of log.dirs'
      : isShort
        ? 'raise the limit of open files (ulimit -n)'
        : 'check the disk of log.dirs';
    return new BrokerError(`cannot start: ${error.message}; ${remedy}`, { cause: error });
  }

  static ofListener(listener: Listener, error: unknown): unknown {
    if (!(error instanceof IoError)) return error;
    const where = `cannot listen on ${formatListener(listener)}`;
    return new BrokerError(`${where}: ${reasonOf(error, listener)}`, { cause: error });
  }
}

function reasonOf(error: IoError, { port }: Listener): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} is in use; stop what uses it, or give another one in listeners`;
    case 'EACCES':
      return `port ${port} needs privileges; give one above 1023 in listeners`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'the host is not an address of this machine; correct listeners';
    default:
      return error.message;
  }
}

/** Two processes with one id. */
export function otherProcessError(nodeId: number, options?: ErrorOptions): BrokerError {
  const remedy = 'stop it, or give this one another node.id';
  const message = `cannot start: another process is running as broker ${nodeId}; ${remedy}`;
  return new BrokerError(message, options);
}
