// Says a great deal in its cleanup, and ends at once.
import { runWorker } from "@conntrail/thread";

runWorker(({ workerData, emit }) => () => {
  for (let i = 0; i < workerData; i++) {
    const buffer = new Uint32Array(16_384).fill(i).buffer;
    emit(buffer, [buffer]);
  }
});
