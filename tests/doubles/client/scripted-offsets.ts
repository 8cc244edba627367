// What scripted coordinators of both protocols have in common: being found, and keeping offsets.

import { keyOf } from '../../../src/client/leader-requests.ts';
import { findCoordinator, offsetCommit, offsetFetch } from '../../../src/protocol/index.ts';
import type { ScriptedCluster, ScriptedRequest } from './scripted-cluster.ts';

export interface OffsetChecks {
  /** The error code to answer with; 0 stores. */
  checkCommit(request: ScriptedRequest<typeof offsetCommit>): number;
  checkFetch(request: ScriptedRequest<typeof offsetFetch>): number;
}

export function serveFindCoordinator(cluster: ScriptedCluster, nodeIdOf: () => number): void {
  cluster.serve(findCoordinator, (request) => {
    const nodeId = nodeIdOf();
    const port = 9000 + nodeId;
    const coordinators = request.body.coordinatorKeys.map((key) => {
      return { key, nodeId, host: '127.0.0.1', port, errorCode: 0, errorMessage: null };
    });
    request.respond({ coordinators });
  });
}

export class ScriptedOffsets {
  readonly #cluster: ScriptedCluster;
  readonly #checks: OffsetChecks;
  readonly #stored = new Map<string, { offset: number; metadata: string | null }>();

  constructor(cluster: ScriptedCluster, checks: OffsetChecks) {
    this.#cluster = cluster;
    this.#checks = checks;
    cluster.serve(offsetCommit, (request) => this.#onCommit(request));
    cluster.serve(offsetFetch, (request) => this.#onFetch(request));
  }

  /** By `partition topic`. */
  committed(): Record<string, number> {
    return Object.fromEntries([...this.#stored].map(([key, { offset }]) => [key, offset]));
  }

  #onCommit(request: ScriptedRequest<typeof offsetCommit>): void {
    const errorCode = this.#checks.checkCommit(request);
    request.respond({
      topics: request.body.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex, committedOffset, committedMetadata }) => {
          const key = keyOf({ topic: name || this.#topicOf(topicId), partition: partitionIndex });
          const stored = { offset: committedOffset, metadata: committedMetadata };
          if (errorCode === 0) this.#stored.set(key, stored);
          return { partitionIndex, errorCode };
        }),
      })),
    });
  }

  #onFetch(request: ScriptedRequest<typeof offsetFetch>): void {
    const errorCode = this.#checks.checkFetch(request);
    request.respond({
      groups: request.body.groups.map(({ groupId, topics }) => ({
        groupId,
        errorCode,
        topics: (errorCode === 0 ? (topics ?? []) : []).map(
          ({ name, topicId, partitionIndexes }) => ({
            name,
            topicId,
            partitions: partitionIndexes.map((partitionIndex) => {
              const key = keyOf({
                topic: name || this.#topicOf(topicId),
                partition: partitionIndex,
              });
              const { offset = -1, metadata = '' } = this.#stored.get(key) ?? {};
              return { partitionIndex, committedOffset: offset, metadata, errorCode: 0 };
            }),
          }),
        ),
      })),
    });
  }

  #topicOf(topicId: string): string {
    const found = [...this.#cluster.topics].find(([, each]) => each.topicId === topicId);
    return found?.[0] ?? '';
  }
}
