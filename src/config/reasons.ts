// Why a key that is understood changes nothing here, where several keys share the reason.

export const reasons = {
  kraft: 'there is no Raft quorum: metadata lives in the cluster store',
  metadataLog: 'the metadata log keeps one file and its snapshot',
  threads: 'one event loop serves the broker: there is no thread pool to size',
  java: 'Java classes cannot be loaded here',
  socketBuffers: 'the operating system sizes the buffers of sockets',
  purgatory: 'waiting requests are dropped the moment they are answered',
  moves: 'a move between folders keeps its rate by pauses: nothing is measured',
  preallocation: 'segments grow as they are written',
  tieredStorage: 'tiered storage is not offered',
} as const;
