// Its cleanup fails.
import { runWorker } from "@conntrail/thread";

runWorker(() => () => {
  throw new Error("cannot let go");
});
