// Its setup takes for ever, but heeds the signal.
import { setTimeout as sleep } from "node:timers/promises";
import { runWorker } from "@conntrail/thread";

runWorker(async ({ signal }) => {
  await sleep(60_000, undefined, { signal });
  return () => {};
});
