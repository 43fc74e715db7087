/** Somebody who looks at what a replay puts into the pipeline, before the pipeline does. Nothing of it may be changed. */
import type { NameAnswer } from "@conntrail/capture";
import type { FlowBatch, SocketTable, TraceBatch } from "@conntrail/model";

/** Called in the order of the recording. */
export interface InputTap {
  flows(batch: FlowBatch): void;
  sockets(table: SocketTable): void;
  trace(batch: TraceBatch): void;
  names(answers: readonly NameAnswer[], timeMs: number): void;
}
