// Emits as many messages as its data says before anyone can have asked for one.
import { runWorker } from "@conntrail/thread";

runWorker(({ workerData, emit }) => {
  for (let i = 0; i < workerData; i++) emit(i);
  return () => {};
});
