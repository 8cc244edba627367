// What a cluster of three real brokers is to a test or a bench, whoever made the brokers.

export interface TestCluster {
  readonly product: 'kafka' | 'partita';
  readonly brokerIds: readonly number[];
  readonly bootstrapServers: string;
  /** What the processes wrote of late. */
  readonly output: string;
  /** Beside those of brokers: of whoever keeps the metadata log. */
  readonly keeperPids: readonly number[];
  addressOf(id: number): string;
  /** The log directory of a broker. */
  dataOf(id: number): string;
  /** Of a broker that runs. */
  pidsOf(id: number): readonly number[];
  /** Waits until it listens, not until it is unfenced. */
  startBroker(id: number): Promise<void>;
  end(id: number, signal: NodeJS.Signals): Promise<void>;
  /** Ends every process and removes the data. */
  dispose(): Promise<void>;
}
