// What a handler is and what it may see. A handler does four things in order: authorise, validate,
// call one concept, shape the answer. It knows nothing of frames, headers and order.
//
// Invariant: whatever a handler does before its first await happens in the order in which the
// requests of a connection came in; that is what keeps a producer's pipelined batches in order.

import type { MetadataImage } from '../metadata/index.ts';
import type { Api, RequestOf, ResponseInput } from '../protocol/index.ts';
import type { Rights } from './authorization.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { Client } from './client.ts';
import type { RequestCharge } from './quotas/index.ts';

export interface RequestContext {
  readonly broker: BrokerParts;
  readonly client: Client;
  readonly apiVersion: number;
  readonly clientId: string | null;
  /** What the request is charged; null while nobody has a quota. */
  readonly charge: RequestCharge | null;
  /** What the client may do (authorization.ts). */
  readonly rights: Rights;
  /** What clients are told of the cluster: everything in it is served already. */
  readonly image: MetadataImage;
}

/** A response body; how long its client is throttled is known to dispatch, which adds it. */
export type Body<A extends Api> = Omit<ResponseInput<A>, 'throttleTimeMs'>;

/** null: the request has no answer (acks=0). */
export type Answer<A extends Api> = Body<A> | null | Promise<Body<A> | null>;

/**
 * One API with what serves it. `handle` is a method so that handlers of all APIs fit into one list
 * (the parameters of a method may be narrower): whoever calls one hands it what was decoded for
 * its `api`.
 */
export interface Handler<A extends Api = Api> {
  readonly api: A;
  handle(request: RequestOf<A>, context: RequestContext): Answer<A>;
}

/** One that is loaded when it is asked for the first time: few clients ask for it, or none. */
export function lazyHandler<A extends Api>(
  api: A,
  load: () => Promise<Pick<Handler<A>, 'handle'>>,
): Handler<A> {
  return { api, handle: async (request, context) => (await load()).handle(request, context) };
}

/**
 * Binds a handler to its API, whose request and response types it is held to. A KafkaError it
 * throws is the answer to the whole request, in the shape this API has for it (error-answer.ts).
 */
export function defineHandler<A extends Api>(api: A, handle: Handler<A>['handle']): Handler<A> {
  return { api, handle };
}
