// Its setup never ends and does not listen to anyone.
import { runWorker } from "@conntrail/thread";

runWorker(() => {
  setInterval(() => {}, 1_000);
  return new Promise(() => {});
});
