/** What a snapshot says of its rows to the stage that credits traced processes, and to nobody else. */
import type { Snapshot } from "@conntrail/model";

/** By row. */
export interface RowBounds {
  /** The connection began after this moment, by the clock of the inputs, and by `firstSeenMs`; -Infinity: nobody knows. */
  readonly beganAfterMs: Float64Array;
  /** The namespace that told of the server's end; `netns` is that of the opener's. */
  readonly toNetns: Uint32Array;
}

/** A snapshot as the merge makes it. */
export interface BoundedSnapshot extends Snapshot {
  readonly bounds: RowBounds;
}

/** Bounds for `capacity` rows. */
export function allocateBounds(capacity: number): RowBounds {
  return { beganAfterMs: new Float64Array(capacity), toNetns: new Uint32Array(capacity) };
}
