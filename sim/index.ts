// The simulator: hosts, processes, network and disks in one process, in virtual time, from one
// seed. Tests and scenarios enter here.
//
// world.ts         the hosts, and running them until something holds
// simulate.ts      one process alone, for unit tests
// host.ts          files, wall clock, processes; power cuts and bit rot
// sim-process.ts   one incarnation of a process and the Io bound to it; kill -9
// sim-disk.ts      Disk over file-system.ts (names, journal) over file-content.ts (bytes)
// sim-network.ts   Network over sim-connection.ts (streams) over internet.ts (cuts, delays);
//                  sim-http.ts: one request of HTTP, and who answers it
// surroundings.ts  what each of these knows of those around it
// faults.ts        how badly all this behaves
// event-loop.ts    virtual time
// trace.ts         what happened, as a hash and as lines
// nemesis.ts       does harm at random moments; cluster-nemesis.ts: to several brokers, their store
// cluster.ts       real brokers (sim-broker.ts) and the store that they share (sim-store.ts, or
//                  modelled-store.ts: models/ of etcd and of ZooKeeper; store-hosts.ts: either)
// reached.ts       what a run came by; metadata-counts.ts: as the metadata of a cluster say it
// planted/         bugs, planted in a copy of the product, that a scenario has to find
// scenario.ts      what a scenario is, and running one under a seed
// main.ts          `npm run sim`, over the scenarios in scenarios/
export { calm, type Faults, type PartialFaults, swarmFaults, withFaults } from './faults.ts';
export type { Host } from './host.ts';
export { type Harm, Nemesis, type NemesisOptions, type Target } from './nemesis.ts';
export { runScenario, type Scenario, type ScenarioOutcome } from './scenario.ts';
export type { Main, SimProcess } from './sim-process.ts';
export { simulate } from './simulate.ts';
export { Trace } from './trace.ts';
export { World, type WorldOptions } from './world.ts';
