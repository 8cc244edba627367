// Signals of the system: SIGTERM and the like, for programs that end in good order.

export type SystemSignal = 'SIGTERM' | 'SIGINT' | 'SIGHUP' | 'SIGQUIT' | 'SIGUSR2' | 'SIGBREAK';

/**
 * Calls back at the first of them; from then on, and after the function that is returned was
 * called, they do what they would do by themselves.
 */
export function onSystemSignals(
  signals: readonly SystemSignal[],
  callback: (signal: SystemSignal) => void,
): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    end();
    callback(signal as SystemSignal);
  };
  const end = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return end;
}
