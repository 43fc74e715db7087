// Fails when commanded: an error in a callback, a rejection, a failure told by hand, a message that cannot be sent.
import { runWorker } from "@conntrail/thread";

runWorker(({ commands$, emit, fail }) => {
  const failures = {
    throw: () =>
      setTimeout(() => {
        throw new TypeError("a bug");
      }),
    reject: () => {
      Promise.reject(new TypeError("a bug"));
    },
    fail: () => fail(new TypeError("a bug")),
    unsendable: () => emit(() => {}),
  };
  commands$.subscribe({ next: (command) => failures[command](), error: fail });
  return () => emit("cleaned up");
});
