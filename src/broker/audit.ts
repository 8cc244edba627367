// The audit trail of a broker: what it is told, and by what configuration. It is loaded where one
// is asked for.
//
// Invariant: a broker whose trail cannot be begun does not start; one that runs goes on without
// what cannot be written (security/audit/audit-trail.ts).

import type { BrokerConfig } from '../config/index.ts';
import { type Io, IoError } from '../io/index.ts';
import type { MetadataImage } from '../metadata/index.ts';
import { encodeBatch, KafkaError } from '../protocol/index.ts';
import type { Replicas } from '../replication/index.ts';
import { AclOperation, AclResource, nameOfCode, type Requester } from '../security/acl/index.ts';
import { AuditFile, type AuditSink, AuditTrail } from '../security/audit/index.ts';
import { principalText } from '../security/index.ts';
import { BrokerError } from './broker-error.ts';
import type { Client } from './client.ts';

export class Audit {
  readonly #trail: AuditTrail;
  readonly #topic: string | null;

  constructor(trail: AuditTrail, topic: string | null) {
    this.#trail = trail;
    this.#topic = topic;
  }

  letIn({ principal, connection }: Client, mechanism: string): void {
    const { remoteHost: address, listenerName: listener } = connection;
    const who = { principal: principalText(principal), address, listener };
    this.#trail.note({ event: 'let in', ...who, mechanism });
  }

  /** Who it would have been is not known: nothing of it was proven. */
  notLetIn({ connection }: Client, why: string): void {
    const { remoteHost: address, listenerName: listener } = connection;
    this.#trail.note({ event: 'not let in', principal: null, address, listener, why });
  }

  refused({ principal, host }: Requester, operation: number, type: number, name: string): void {
    this.#trail.note({
      ...{ event: 'refused', principal, address: host },
      operation: nameOfCode(AclOperation, operation),
      resourceType: nameOfCode(AclResource, type),
      resourceName: name,
    });
  }

  /** From now on the topic has the events, too, if one is configured. */
  beginTopic(replicas: Replicas, image: () => MetadataImage, now: () => number): void {
    if (this.#topic !== null) this.#trail.addSink(topicSink(this.#topic, { replicas, image, now }));
  }

  close(): void {
    this.#trail.close();
  }
}

/** @throws BrokerError: the file cannot be written */
export function openAudit(io: Io, config: BrokerConfig): Audit {
  const [path, topic] = [config.get('audit.log.file'), config.get('audit.log.topic')];
  try {
    const bytesMax = config.get('audit.log.file.bytes.max');
    const sinks = path === null ? [] : [new AuditFile(io.disk, path, bytesMax)];
    const eventsPerSecondMax = config.get('audit.log.events.per.second.max');
    const trail = new AuditTrail(io, { nodeId: config.nodeId, eventsPerSecondMax, sinks });
    return new Audit(trail, topic);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw new BrokerError(`cannot start: audit.log.file: ${error.message}`, { cause: error });
  }
}

interface TopicParts {
  readonly replicas: Replicas;
  readonly image: () => MetadataImage;
  readonly now: () => number;
}

/** Into the first partition that this broker leads: what is refused here is no other's to keep. */
function topicSink(topic: string, { replicas, image, now }: TopicParts): AuditSink {
  return {
    name: `the topic ${topic}`,
    write: (lines) => {
      const count = image().topic(topic)?.partitions.length ?? 0;
      for (let index = 0; index < count; index++) {
        const partition = replicas.get(topic, index);
        if (partition === undefined || !partition.isLeader) continue;
        const timestamp = now();
        const records = lines.map((line) => ({ value: Buffer.from(line), timestamp }));
        partition.appendAsLeader(encodeBatch({ records }));
        return;
      }
      const why = 'this broker leads none of its partitions: make the topic, with one for each';
      throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', why);
    },
    close: () => {},
  };
}
