// What docs/conformance.md says beside an API that is served in part, by its name: what is missing,
// and what is answered instead. An API without a line here is served whole.

export const partly: Readonly<Record<string, string>> = {
  FindCoordinator: 'groups and transactions; coordinators of shares are refused',
  CreateTopics: 'one replica per partition, on one node',
  DescribeQuorum: 'one voter: the local metadata log',
  AlterPartitionReassignments: 'one node: a target that names another broker is refused',
  UnregisterBroker: 'one node: the broker itself cannot be unregistered',
};

/** Why an API that clients may ask for is not there. */
export const absent: readonly (readonly [names: RegExp, why: string])[] = [
  [/Share/, 'share groups are not served yet'],
  [/Streams/, 'streams groups are not served yet'],
  [/Telemetry/, 'reports of clients are not collected yet'],
  [/Raft|UnregisterController/, 'there is no Raft quorum'],
  [/./, 'not served yet'],
];
