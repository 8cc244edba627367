// The tracing channels of node:diagnostics_channel on which clients tell what they do: programs and
// tools subscribe (`tracingChannel('partita:send').subscribe({ start, asyncEnd, error })`), and
// opentelemetry.ts does. Each message is one object from start to end; `result` or `error` is
// added to it by Node.js.
//
// Invariant: nothing is made and nothing is awaited for a channel to which nobody listens.

import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { RequestTrace, TracedRequest } from '../network/index.ts';
import type { ProducerRecord } from './producer/producer-record.ts';

/** As in leader-requests.ts, which stands on what tells of its requests here. */
interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** One record on its way. A subscriber of `start` may replace `record`, to add headers. */
export interface SendMessage {
  readonly clientId: string;
  record: ProducerRecord;
}

export interface PollMessage {
  readonly clientId: string;
  readonly groupId: string | null;
}

/** Records in the hands of the program, one or a batch. */
export interface ProcessMessage {
  readonly clientId: string;
  readonly groupId: string | null;
  readonly records: readonly object[];
}

export interface CommitMessage {
  readonly clientId: string;
  readonly groupId: string;
  readonly offsets: readonly (Place & { readonly offset: number })[];
}

export interface RebalanceMessage {
  readonly clientId: string;
  readonly groupId: string;
  readonly kind: 'assigned' | 'revoked' | 'lost';
  readonly partitions: readonly Place[];
}

interface Messages {
  readonly send: SendMessage;
  readonly poll: PollMessage;
  readonly process: ProcessMessage;
  readonly commit: CommitMessage;
  readonly rebalance: RebalanceMessage;
  readonly request: TracedRequest;
}

export type ChannelName = keyof Messages;

const channels: { readonly [Name in ChannelName]: TracingChannel<unknown, Messages[Name]> } = {
  send: tracingChannel('partita:send'),
  poll: tracingChannel('partita:poll'),
  process: tracingChannel('partita:process'),
  commit: tracingChannel('partita:commit'),
  rebalance: tracingChannel('partita:rebalance'),
  request: tracingChannel('partita:request'),
};

/** Whether anybody listens. */
export function isHeard(name: ChannelName): boolean {
  // As Node.js 22 answers for all of them at once; 20 cannot.
  const { start, asyncStart, asyncEnd, end, error } = channels[name];
  return (
    start.hasSubscribers ||
    asyncEnd.hasSubscribers ||
    error.hasSubscribers ||
    end.hasSubscribers ||
    asyncStart.hasSubscribers
  );
}

/** Runs a call; those who listen are told before and after. `message` is made only for them. */
export function traced<Name extends ChannelName, T>(
  name: Name,
  message: () => Messages[Name],
  call: (message: Messages[Name] | null) => Promise<T>,
): Promise<T> {
  if (!isHeard(name)) return call(null);
  const made = message();
  return channels[name].tracePromise(() => call(made), made);
}

export const requestTrace: RequestTrace = {
  isHeard: () => isHeard('request'),
  run: (request, call) => traced('request', () => request, call),
};

/** With the record that those who listen have made of it. */
export function tracedSend<T>(
  clientId: string,
  record: ProducerRecord,
  send: (record: ProducerRecord) => Promise<T>,
): Promise<T> {
  return traced(
    'send',
    () => ({ clientId, record }),
    (told) => send(told?.record ?? record),
  );
}
