// The workloads: what clients do in a world, over our own clients, and what they report to the
// checkers while they do it.
//
// produce-load.ts     a producer that sends bursts of records, as drawn from the seed
// tail-reader.ts      a consumer that follows partitions while everything goes on
// read-back.ts        partitions read from beginning to end, and lookups in them
// metadata-churn.ts   topics created, changed and deleted
// producer-id-taker.ts asks for producer ids
export { type ChurnOptions, churnMetadata, compareMetadata } from './metadata-churn.ts';
export { drawProducer, type ProducerPlan, produceLoad } from './produce-load.ts';
export { takeProducerIds } from './producer-id-taker.ts';
export { lookUp, readBack } from './read-back.ts';
export { followTail, type TailOptions } from './tail-reader.ts';
