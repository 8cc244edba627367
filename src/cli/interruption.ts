// Ctrl-C and SIGTERM of a tool that runs for long: the first one ends it cleanly, with the exit
// code that a shell expects of an interrupted program; a second one ends it at once.

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

export interface Interruption {
  /** null while nothing has interrupted. */
  readonly exitCode: number | null;
  /** Signals do what they always do from now on. */
  stop(): void;
}

export function interruption(onInterrupt: () => void): Interruption {
  const state = { exitCode: null as number | null, stop: (): void => {} };
  const handlers = Object.entries(exitCodes).map(([signal, exitCode]) => {
    const handler = (): void => {
      if (state.exitCode !== null) process.exit(exitCode);
      state.exitCode = exitCode;
      onInterrupt();
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  state.stop = () => {
    for (const [signal, handler] of handlers) process.removeListener(signal, handler);
  };
  return state;
}
