// Its cleanup never ends.
import { runWorker } from "@conntrail/thread";

runWorker(() => {
  setInterval(() => {}, 1_000);
  return () => new Promise(() => {});
});
