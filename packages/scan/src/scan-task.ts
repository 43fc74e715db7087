/** What the pool's thread runs: one scanner, which keeps what it learned from task to task. The pool has one thread, so there is one. */
import type { SocketTable } from "@conntrail/model";
import type { Failure } from "@conntrail/thread";
import { giveWay } from "@conntrail/thread/give-way";
import { move, transferableSymbol, valueSymbol } from "piscina";
import type { LookedEnds } from "./end-look.ts";
import type { MayBeStill, ScanSettings } from "./options.ts";
import type { ScanRecord } from "./scan-record.ts";
import { Scanner } from "./scanner.ts";

/** Pool to thread: one scan, or a look at single ends between two. */
export interface ScanTask {
  readonly settings: ScanSettings;
  readonly record: boolean;
  /** When nothing was told since the last scan, and the kernel's counters say so too, there is no need for this one. */
  readonly mayBeStill: MayBeStill | undefined;
  /** Look at these ends instead: rows of the trace, which are given away. */
  readonly ends?: { readonly rows: Uint32Array; readonly count: number };
  /** End the thread, by itself: one that is terminated leaves its native memory behind, half a megabyte and more. */
  readonly end?: boolean;
  /** Its first word is set when the scan is no longer wanted. */
  readonly cancel: Int32Array<SharedArrayBuffer>;
}

/** Thread to pool. */
export type ScanAnswer =
  | {
      readonly kind: "scanned";
      readonly table: SocketTable;
      readonly record: ScanRecord | undefined;
      readonly cpuMs: number;
    }
  | { readonly kind: "still"; readonly cpuMs: number }
  | { readonly kind: "looked"; readonly ends: LookedEnds; readonly cpuMs: number }
  | { readonly kind: "failed"; readonly failure: Failure };

let scanner: Scanner | undefined;

/** Runs one task. Never rejects: errors lose their class on the way to another thread, so they travel as data. */
export async function scan(task: ScanTask): Promise<ScanAnswer> {
  if (task.end === true) process.exit(0);
  try {
    if (scanner === undefined) giveWay();
    scanner ??= new Scanner(task.settings);
    if (task.ends !== undefined) return { kind: "looked", ...scanner.look(task.ends.rows, task.ends.count) };
    const beganMs = performance.now();
    if (scanner.isStill(task.mayBeStill)) return { kind: "still", cpuMs: performance.now() - beganMs };
    const cancelled = (): boolean => Atomics.load(task.cancel, 0) !== 0;
    const { table, record, cpuMs } = await scanner.scan({ record: task.record, cancelled });
    return moved({ kind: "scanned", table, record, cpuMs });
  } catch (error) {
    // Loaded when it is needed: it brings RxJS with it, which this thread has no other use for.
    const { toFailure } = await import("@conntrail/thread");
    return { kind: "failed", failure: toFailure(error) };
  }
}

/** The rows change threads instead of being copied. The addresses are small, and some come from a pool of buffers that may not be moved. */
function moved(answer: ScanAnswer & { kind: "scanned" }): ScanAnswer {
  const buffers: ArrayBufferLike[] = [answer.table.rows.buffer];
  for (const { bytes } of answer.record?.dumps ?? []) buffers.push(bytes.buffer);
  return move({ [transferableSymbol]: buffers, [valueSymbol]: answer } as never) as unknown as ScanAnswer;
}
