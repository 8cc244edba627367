// The controller's state: the newest image, including what was decided and is not yet committed,
// and an index that only the controller needs. Decisions are functions of it in the files named
// after what they decide (topics.ts, partitions.ts, …); they read it and return records.
//
// Invariant: `replay` alone changes it.

import type { Uuid } from '../../base/uuid.ts';
import type { Log, Random } from '../../io/index.ts';
import type { Machine } from '../../machine/index.ts';
import { aclKey } from '../../security/acl/index.ts';
import type { TokenIndex } from '../../security/tokens/index.ts';
import { MetadataDelta } from '../delta.ts';
import type { MetadataImage } from '../image.ts';
import type { MetadataRecord } from '../records/index.ts';
import type { BrokerProgress } from './api.ts';
import type { ConfigRules } from './config-rules.ts';

/** What a broker in controlled shutdown waits for; lost with the term, and then asked anew. */
export interface Heartbeats {
  /** The end of what each broker has replayed, as it said last. */
  readonly metadataOffsets: Map<number, number>;
  /** What the others must have replayed before a broker that shuts down may go. */
  readonly shutdownOffsets: Map<number, number>;
  /** Of each broker, for whoever asks how the cluster is. */
  readonly progress: Map<number, BrokerProgress>;
}

/** What decisions may use besides the state. */
export interface ControllerContext {
  readonly rules: ConfigRules;
  readonly random: Random;
  /** For what nobody asked for and somebody should know. */
  readonly log?: Log;
}

export class ControllerMachine implements Machine<MetadataRecord> {
  readonly context: ControllerContext;
  /** Delegation tokens by their secrets; null until somebody shows one (tokens.ts). */
  tokenIndex: TokenIndex | null = null;
  readonly heartbeats: Heartbeats = {
    metadataOffsets: new Map(),
    shutdownOffsets: new Map(),
    progress: new Map(),
  };
  #image: MetadataImage;
  /** Records replayed since `#image`. */
  #delta: MetadataDelta | null = null;
  #endOffset: number;
  /** Names with '.' or '_' by the form in which metrics would confuse them. */
  readonly #collidingNames = new Map<string, string>();
  /** The ids of ACLs by what they say (`aclKey`), and back; null until one is asked for. */
  #acls: { readonly ids: Map<string, Uuid>; readonly keys: Map<Uuid, string> } | null = null;

  constructor(image: MetadataImage, context: ControllerContext) {
    this.context = context;
    this.#image = image;
    this.#endOffset = image.offset + 1;
    for (const name of image.topicsByName.keys()) this.#indexName(name);
  }

  get image(): MetadataImage {
    if (this.#delta !== null) {
      const { controllerEpoch } = this.#image;
      const stamp = { endOffset: this.#endOffset, controllerEpoch, controllerId: -1 };
      this.#image = this.#delta.apply(stamp);
      this.#delta = null;
    }
    return this.#image;
  }

  /** Where the first record of the next decision will be. */
  get endOffset(): number {
    return this.#endOffset;
  }

  replay(record: MetadataRecord, offset: number): void {
    if (record.type === 'TopicRecord') this.#indexName(record.name);
    if (record.type === 'RemoveTopicRecord') this.#forgetName(record.topicId);
    if (this.#acls !== null) this.#indexAcl(record);
    if (record.type === 'DelegationTokenRecord') this.tokenIndex?.add(record.tokenId);
    if (record.type === 'RemoveDelegationTokenRecord') this.tokenIndex?.remove(record.tokenId);
    this.#delta ??= new MetadataDelta(this.#image);
    this.#delta.replayDecided(record);
    this.#endOffset = offset + 1;
  }

  /** The id of the ACL that says this, by `aclKey`. */
  aclId(key: string): Uuid | undefined {
    if (this.#acls === null) {
      this.#acls = { ids: new Map(), keys: new Map() };
      for (const [id, acl] of this.image.acls) this.#noteAcl(id, aclKey(acl));
    }
    return this.#acls.ids.get(key);
  }

  #noteAcl(id: Uuid, key: string): void {
    this.#acls?.ids.set(key, id);
    this.#acls?.keys.set(id, key);
  }

  #indexAcl(record: MetadataRecord): void {
    if (record.type === 'AccessControlEntryRecord') this.#noteAcl(record.id, aclKey(record));
    if (record.type !== 'RemoveAccessControlEntryRecord') return;
    this.#acls?.ids.delete(this.#acls.keys.get(record.id) ?? '');
    this.#acls?.keys.delete(record.id);
  }

  /** An existing topic whose metrics would have the same name as this one's. */
  collidingTopic(name: string): string | null {
    const other = this.#collidingNames.get(metricName(name));
    return other === undefined || other === name ? null : other;
  }

  #indexName(name: string): void {
    if (/[._]/.test(name)) this.#collidingNames.set(metricName(name), name);
  }

  #forgetName(topicId: string): void {
    const name = this.image.topicById(topicId)?.name;
    if (name !== undefined && this.#collidingNames.get(metricName(name)) === name) {
      this.#collidingNames.delete(metricName(name));
    }
  }
}

/** Kafka's metric names have '_' for '.', so only one of `a.b` and `a_b` may exist. */
export function metricName(topic: string): string {
  return topic.replaceAll('.', '_');
}
