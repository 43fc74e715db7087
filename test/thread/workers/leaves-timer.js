// Forgets a timer: its thread must end all the same.
import { runWorker } from "@conntrail/thread";

runWorker(() => {
  setInterval(() => {}, 1_000);
  return () => {};
});
