// Takes its time to set itself up and listens to its commands only then; sends each one back.
import { setTimeout as sleep } from "node:timers/promises";
import { runWorker } from "@conntrail/thread";

runWorker(async ({ commands$, emit, fail }) => {
  await sleep(150);
  commands$.subscribe({ next: (command) => emit(command), error: fail });
  return () => {};
});
