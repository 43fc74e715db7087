/** The echo worker in TypeScript, as a package would hold it: the test compiles it and runs the result. */
import { runWorker } from "@conntrail/thread";

runWorker<{ readonly ask: number }, { readonly answer: number }, { readonly factor: number }>(
  ({ workerData, commands$, emit, fail }) => {
    commands$.subscribe({ next: ({ ask }) => emit({ answer: ask * workerData.factor }), error: fail });
    return () => {};
  },
);
