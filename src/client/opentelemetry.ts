// Spans and metrics of OpenTelemetry, made of what clients tell on their tracing channels
// (diagnostics.ts). Names are those of the semantic conventions for messaging; the trace goes with
// the record in the header `traceparent`, as W3C writes it.
//
// Invariant: `@opentelemetry/api` is loaded when somebody asks for this, and by nobody else; what
// fails in here fails no call of a client.

import { tracingChannel } from 'node:diagnostics_channel';
import { nodeEnvironment, nodeMonotonic } from '../io/index.ts';
import type {
  ChannelName,
  CommitMessage,
  PollMessage,
  ProcessMessage,
  SendMessage,
} from './diagnostics.ts';
import { IllegalStateError } from './errors.ts';
import { headerListOf } from './headers.ts';
import type { Attributes, Counter, Measure, OpenTelemetryApi, Span } from './opentelemetry-api.ts';
import type { RecordMetadata } from './producer/producer-record.ts';

interface Traced {
  span?: Span;
  beganMs?: number;
  error?: unknown;
  result?: unknown;
}

interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: unknown;
  readonly headers: Iterable<{ readonly key: string; readonly value: Uint8Array | null }>;
}

const kinds = { client: 2, producer: 3, consumer: 4 } as const;
const failed = 2;
/** Links of one span; more of them tell nobody anything. */
const linksMax = 128;

/** Behind traceWithOpenTelemetry (telemetry.ts), which loads this file. */
export async function startTelemetry(api?: OpenTelemetryApi): Promise<() => void> {
  return new Telemetry(api ?? (await loadApi())).subscribe();
}

async function loadApi(): Promise<OpenTelemetryApi> {
  const name = '@opentelemetry/api';
  try {
    return (await import(name)) as OpenTelemetryApi;
  } catch (error) {
    const remedy = 'Run `npm install @opentelemetry/api`, or pass the API that you have.';
    const missing = new IllegalStateError('@opentelemetry/api is not installed', remedy);
    missing.cause = error;
    throw missing;
  }
}

class Telemetry {
  readonly #api: OpenTelemetryApi;
  readonly #tracer: ReturnType<OpenTelemetryApi['trace']['getTracer']>;
  readonly #duration: Measure;
  readonly #processing: Measure;
  readonly #sent: Counter;
  readonly #consumed: Counter;
  /** Names from before v1.45 of the conventions, alone or beside those of now. */
  readonly #names: 'old' | 'new' | 'both';

  constructor(api: OpenTelemetryApi) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('partita');
    const meter = api.metrics.getMeter('partita');
    const seconds = { unit: 's', description: 'How long a call took.' };
    this.#duration = meter.createHistogram('messaging.client.operation.duration', seconds);
    this.#processing = meter.createHistogram('messaging.process.duration', seconds);
    const count = { unit: '{message}', description: 'How many messages.' };
    this.#sent = meter.createCounter('messaging.client.sent.messages', count);
    this.#consumed = meter.createCounter('messaging.client.consumed.messages', count);
    const wanted = (nodeEnvironment().OTEL_SEMCONV_STABILITY_OPT_IN ?? '').split(',');
    const isBoth = wanted.includes('messaging/dup');
    this.#names = isBoth ? 'both' : wanted.includes('messaging') ? 'new' : 'old';
  }

  subscribe(): () => void {
    const ends = [
      this.#on<SendMessage>('send', (message) => this.#startSend(message), 'send'),
      this.#on<PollMessage>('poll', (message) => this.#start(message, 'poll', 'receive'), 'poll'),
      this.#on<ProcessMessage>('process', (message) => this.#startProcess(message), 'process'),
      this.#on<CommitMessage>(
        'commit',
        (message) => this.#start(message, 'commit', 'settle'),
        'commit',
      ),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  #on<Message extends object>(
    name: ChannelName,
    start: (message: Message) => Span,
    operation: string,
  ): () => void {
    const channel = tracingChannel<unknown, object>(`partita:${name}`);
    const handlers = {
      start: (message: object) => {
        const traced = message as Traced;
        traced.beganMs = nodeMonotonic();
        traced.span = start(message as Message);
      },
      end: () => {},
      asyncStart: () => {},
      asyncEnd: (message: object) => this.#finish(message as Traced & Message, operation),
      error: (message: object) => {
        const { span, error } = message as Traced;
        if (span === undefined) return;
        const { name: type, message: text } =
          error instanceof Error ? error : new Error(`${error}`);
        span.setAttribute('error.type', errorType(error) ?? type);
        if (error instanceof Error) span.recordException(error);
        span.setStatus({ code: failed, message: text });
      },
    };
    channel.subscribe(handlers);
    return () => channel.unsubscribe(handlers);
  }

  #startSend(message: SendMessage): Span {
    const { record, clientId } = message;
    const { topic, key, value, partition } = record;
    const attributes = this.#attributes('send', 'send', { clientId, topic });
    if (typeof partition === 'number') {
      attributes['messaging.destination.partition.id'] = String(partition);
    }
    this.#describe(attributes, key ?? null, value ?? null);
    const span = this.#tracer.startSpan(`send ${topic}`, { kind: kinds.producer, attributes });
    const context = this.#api.trace.setSpan(this.#api.context.active(), span);
    const headers = [...headerListOf(record.headers ?? [])];
    this.#api.propagation.inject(context, headers, {
      set: (carrier: typeof headers, name: string, text: string) => {
        const at = carrier.findIndex((each) => each.key === name);
        if (at >= 0) carrier.splice(at, 1);
        carrier.push({ key: name, value: Buffer.from(text) });
      },
    });
    message.record = { ...record, headers };
    return span;
  }

  #start(message: PollMessage | CommitMessage, name: string, type: string): Span {
    const attributes = this.#attributes(name, type, message);
    return this.#tracer.startSpan(name, { kind: kinds.client, attributes });
  }

  /** One record: a child of what sent it; several: linked to each. */
  #startProcess(message: ProcessMessage): Span {
    const records = message.records as readonly ReadRecord[];
    const [first] = records;
    const topic = first?.topic ?? '';
    const attributes = this.#attributes('process', 'process', { ...message, topic });
    const options = { kind: kinds.consumer, attributes };
    if (records.length === 1 && first !== undefined) {
      attributes['messaging.destination.partition.id'] = String(first.partition);
      this.#place(attributes, first.offset);
      this.#describe(attributes, first.key, first.value);
      return this.#tracer.startSpan(`process ${topic}`, options, this.#contextOf(first));
    }
    attributes['messaging.batch.message_count'] = records.length;
    return this.#tracer.startSpan(`process ${topic}`, { ...options, links: this.#links(records) });
  }

  #finish(message: Traced & object, operation: string): void {
    const { span, beganMs = 0, error } = message;
    if (span === undefined) return;
    const seconds = (nodeMonotonic() - beganMs) / 1000;
    const at = message as unknown as PollMessage & Partial<SendMessage>;
    const attributes = this.#attributes(operation, operation, {
      clientId: at.clientId,
      groupId: at.groupId ?? null,
      topic: at.record?.topic,
    });
    if (error !== undefined) attributes['error.type'] = errorType(error) ?? 'Error';
    if (operation === 'process') this.#processing.record(seconds, attributes);
    else this.#duration.record(seconds, attributes);
    if (operation === 'send') {
      if (error === undefined) this.#onSent(span, message.result as RecordMetadata);
      this.#sent.add(1, attributes);
    }
    if (operation === 'poll' && error === undefined) {
      const records = message.result as readonly ReadRecord[];
      span.setAttribute('messaging.batch.message_count', records.length);
      this.#consumed.add(records.length, attributes);
    }
    span.end();
  }

  #onSent(span: Span, { partition, offset }: RecordMetadata): void {
    const attributes: Attributes = {};
    attributes['messaging.destination.partition.id'] = String(partition);
    if (offset >= 0) this.#place(attributes, offset);
    for (const name of Object.keys(attributes)) {
      span.setAttribute(name, attributes[name] as string);
    }
  }

  #links(records: readonly ReadRecord[]): { context: object }[] {
    const links: { context: object }[] = [];
    for (const record of records) {
      const context = this.#api.trace.getSpanContext(this.#contextOf(record));
      if (context !== undefined) links.push({ context });
      if (links.length === linksMax) break;
    }
    return links;
  }

  #contextOf(record: ReadRecord): unknown {
    const texts = new Map<string, string>();
    for (const { key, value } of record.headers) {
      if (value !== null) texts.set(key, Buffer.from(value).toString());
    }
    return this.#api.propagation.extract(this.#api.context.active(), texts, {
      get: (carrier: typeof texts, name: string) => carrier.get(name),
      keys: (carrier: typeof texts) => [...carrier.keys()],
    });
  }

  #attributes(
    name: string,
    type: string,
    of: { clientId: string; groupId?: string | null; topic?: string | undefined },
  ): Attributes {
    const attributes: Attributes = {
      'messaging.operation.name': name,
      'messaging.operation.type': type,
      'messaging.client.id': of.clientId,
    };
    this.#named(attributes, 'messaging.system', 'messaging.system.name', 'kafka');
    if (of.topic !== undefined) attributes['messaging.destination.name'] = of.topic;
    if (of.groupId != null) attributes['messaging.consumer.group.name'] = of.groupId;
    return attributes;
  }

  #describe(attributes: Attributes, key: unknown, value: unknown): void {
    if (typeof key === 'string' || key instanceof Uint8Array) {
      const text = typeof key === 'string' ? key : Buffer.from(key).toString();
      this.#named(attributes, 'messaging.kafka.message.key', 'kafka.message.key', text);
    }
    if (value !== null) return;
    this.#named(attributes, 'messaging.kafka.message.tombstone', 'kafka.message.tombstone', true);
  }

  #place(attributes: Attributes, offset: number): void {
    this.#named(attributes, 'messaging.kafka.offset', 'kafka.offset', offset);
  }

  #named(attributes: Attributes, old: string, now: string, value: Attributes[string]): void {
    if (this.#names !== 'new') attributes[old] = value;
    if (this.#names !== 'old') attributes[now] = value;
  }
}

function errorType(error: unknown): string | null {
  const named = error as { readonly errorName?: string; readonly code?: number | string } | null;
  return named?.errorName ?? (typeof named?.code === 'string' ? named.code : null);
}
