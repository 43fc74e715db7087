// Runs a worker of its own and never finishes its cleanup, so that both must be terminated.
import { runWorker, workerStream } from "@conntrail/thread";

runWorker(({ emit, fail }) => {
  const inner = workerStream(new URL("./echo.js", import.meta.url), { workerData: "inner started" });
  inner.messages$.subscribe({ next: (message) => emit(message), error: fail });
  return () => new Promise(() => {});
});
