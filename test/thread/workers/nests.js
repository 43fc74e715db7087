// Runs an echo worker of its own and relays both ways.
import { runWorker, workerStream } from "@conntrail/thread";

runWorker(({ commands$, emit, fail }) => {
  const inner = workerStream(new URL("./echo.js", import.meta.url), { name: "inner", workerData: "inner started" });
  inner.messages$.subscribe({ next: (message) => emit(message), error: fail });
  commands$.subscribe({ next: (command) => inner.post(command), error: fail });
  return () => inner.close();
});
