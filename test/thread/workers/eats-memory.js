// Grows past its resource limits when commanded.
import { runWorker } from "@conntrail/thread";

runWorker(({ commands$, fail }) => {
  const eaten = [];
  commands$.subscribe({
    next: () => {
      for (;;) eaten.push(new Array(1_000).fill(eaten.length));
    },
    error: fail,
  });
  return () => {};
});
