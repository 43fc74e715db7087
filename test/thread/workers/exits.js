// Ends its thread without a word, after it was ready.
import { runWorker } from "@conntrail/thread";

runWorker(({ emit }) => {
  emit("last words");
  setTimeout(() => process.exit(3), 10);
  return () => {};
});
