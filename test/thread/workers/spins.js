// Gets caught in an endless loop when commanded.
import { runWorker } from "@conntrail/thread";

runWorker(({ commands$, fail }) => {
  commands$.subscribe({
    next: () => {
      for (;;);
    },
    error: fail,
  });
  return () => {};
});
