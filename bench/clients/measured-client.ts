// What every measured client can do, in the words of this bench. Each is set up as its documents
// recommend, with acks of all replicas; what it does not offer it says by leaving it out.

/** What goes in and out as JSON, by the client's own means where it has such. */
export interface Quote {
  readonly symbol: string;
  readonly price: number;
  readonly at: number;
  readonly note: string;
}

export function quotesOf(count: number): Quote[] {
  return Array.from({ length: count }, (_, at) => ({
    symbol: `SYM${at % 500}`,
    price: 100 + (at % 1000) / 8,
    at: 1_700_000_000_000 + at,
    note: 'as it was seen at the close of trading',
  }));
}

export interface MeasuredClient {
  /** Ready to send: connected, with the metadata of the topic. */
  startProducer(target: Target, transactionalId?: string): Promise<void>;
  send(value: Buffer): Promise<unknown>;
  /** All of them are acknowledged. */
  sendBatch(values: readonly Buffer[]): Promise<unknown>;
  sendTransaction(values: readonly Buffer[]): Promise<unknown>;
  /** As sendBatch; the topic holds JSON. */
  sendQuotes(quotes: readonly Quote[]): Promise<unknown>;
  /** Calls for each record, as the client hands them out one by one, until it answers true. */
  consume(target: Target, onValue: (value: Buffer) => boolean): Promise<void>;
  /** The same, where the client hands out many at once. */
  consumeBatches?(target: Target, onValues: (values: readonly Buffer[]) => boolean): Promise<void>;
  consumeQuotes(target: Target, onQuote: (quote: Quote) => boolean): Promise<void>;
  close(): Promise<void>;
}

export interface Target {
  readonly bootstrapServers: string;
  readonly topic: string;
  readonly isJson: boolean;
}
