// Is longer in loading than it is given; then it does as it is told.
import { setTimeout as sleep } from "node:timers/promises";
import { runWorker } from "@conntrail/thread";

await sleep(1_500);
runWorker(() => () => {});
