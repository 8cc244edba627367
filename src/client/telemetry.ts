// OpenTelemetry where somebody asks for it, and loaded for nobody else.

import type { OpenTelemetryApi } from './opentelemetry-api.ts';

/**
 * Makes spans and metrics of OpenTelemetry for all clients of this process from now on; the
 * function that it resolves with ends that. `api` is for programs that have `@opentelemetry/api`
 * under another name. Throws an IllegalStateError when the package is not there.
 */
export async function traceWithOpenTelemetry(api?: OpenTelemetryApi): Promise<() => void> {
  const { startTelemetry } = await import('./opentelemetry.ts');
  return startTelemetry(api);
}
