// The shape shared by everything that decides: decide -> append -> replay -> answer.
//
//   machine.ts          what a machine is, and what a decision is
//   machine-log.ts      what a machine's log must do
//   machine-runtime.ts  the runtime: speculative replay, group commit, loss and rebuilding; holds
//                       every answer until the log confirms that nobody else was elected

export type { Decision, Machine } from './machine.ts';
export type { LoggedRecords, MachineLog } from './machine-log.ts';
export {
  MachineRuntime,
  type MachineRuntimeOptions,
  type MachineState,
  type SoftTimer,
} from './machine-runtime.ts';
