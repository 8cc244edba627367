// The little of the API of OpenTelemetry that clients use, so that its types are needed by nobody.

export interface Attributes {
  [name: string]: string | number | boolean;
}
export interface Span {
  setAttribute(name: string, value: string | number | boolean): unknown;
  recordException(error: Error): void;
  setStatus(status: { code: number; message?: string }): unknown;
  spanContext(): object;
  end(): void;
}
export interface Measure {
  record(value: number, attributes: Attributes): void;
}
export interface Counter {
  add(value: number, attributes: Attributes): void;
}
export interface OpenTelemetryApi {
  readonly trace: {
    getTracer(name: string): {
      startSpan(name: string, options: object, context?: unknown): Span;
    };
    setSpan(context: unknown, span: Span): unknown;
    getSpanContext(context: unknown): object | undefined;
  };
  readonly context: { active(): unknown };
  readonly propagation: {
    inject(context: unknown, carrier: object, setter: object): void;
    extract(context: unknown, carrier: object, getter: object): unknown;
  };
  readonly metrics: {
    getMeter(name: string): {
      createHistogram(name: string, options: object): Measure;
      createCounter(name: string, options: object): Counter;
    };
  };
}
