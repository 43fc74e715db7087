// Sends every command back, moving the buffer if it is one; says "bye" in its cleanup.
import { runWorker } from "@conntrail/thread";

runWorker(({ workerData, commands$, emit }) => {
  if (workerData !== undefined) emit(workerData);
  const commands = commands$.subscribe({
    next: (command) => emit(command, command instanceof ArrayBuffer ? [command] : []),
    error: (error) => {
      throw error;
    },
  });
  return () => {
    commands.unsubscribe();
    emit("bye");
  };
});
