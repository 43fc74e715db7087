/** The ingest worker: its loop between the messages of its host. */
import { runWorker } from "@conntrail/thread";
import { giveWay } from "@conntrail/thread/give-way";
import { IngestLoop } from "./ingest-loop.ts";
import type { IngestCommand, IngestMessage, IngestWorkerData } from "./ingest-protocol.ts";

runWorker<IngestCommand, IngestMessage, IngestWorkerData>(({ workerData, commands$, emit, fail }) => {
  const loop = new IngestLoop(workerData.options, {
    batch: (batch) => emit(batch, [batch.rows.buffer as ArrayBuffer, batch.changes.buffer as ArrayBuffer]),
    raw: workerData.tap ? emit : undefined,
    failed: fail,
    readable: () => emit({ kind: "readable" }),
  });
  commands$.subscribe({
    next: (command) => {
      if (command.kind === "taken") loop.acknowledge();
      else if (command.kind === "raw-taken") loop.acknowledgeRaw();
      else if (command.kind === "cut") loop.requestCut();
      else if (command.kind === "ways") loop.know(command.ways);
      else if (command.kind === "entered") loop.entered(command.namespaces);
      else if (command.kind === "hurry") loop.hurry(command.hurried);
      else if (command.kind === "wait") loop.waitFor(command.fds);
      else loop.requestDumps();
    },
    error: fail,
  });
  loop.start();
  giveWay();
  return () => loop.stop();
});
