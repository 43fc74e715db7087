/** Changes on their way from the pipeline worker to the host: the connections that they are about, as a small report, and what happened to them. */
import { type ReportContent, takeRows } from "@conntrail/model";
import { type PackedReport, packReport } from "@conntrail/report";

/** One message: what changed since the one before it. */
export interface ChangesMessage {
  readonly kind: "changes";
  /** The connections that changed. */
  readonly packed: PackedReport;
  /** What happened to each of them, in order: as in `Changes` of the model. */
  readonly kinds: Uint8Array;
  readonly members: Uint8Array;
  readonly gone: Float64Array;
  /** All connections that live, after these changes: when a listener waits for them. */
  readonly whole: PackedReport | undefined;
}

/** A message and the buffers to transfer with it. */
export interface PackedChanges {
  readonly message: ChangesMessage;
  readonly transfer: ArrayBuffer[];
}

/** Packs the changes of a snapshot; undefined when there are none and nobody waits for the whole. The snapshot's columns stay as they are. */
export function packChanges(content: ReportContent, wantsWhole: boolean): PackedChanges | undefined {
  const { changes } = content;
  if (changes === undefined) return undefined;
  if (changes.rows.length === 0 && changes.gone.length === 0 && !wantsWhole) return undefined;
  const { message: packed, transfer } = packReport(pick(content, changes.rows));
  const whole = wantsWhole ? packReport(pick(content, changes.living)) : undefined;
  const { kinds, members, gone } = changes;
  return {
    message: { kind: "changes", packed, kinds, members, gone, whole: whole?.message },
    transfer: [...transfer, ...(whole?.transfer ?? []), kinds.buffer, members.buffer, gone.buffer],
  };
}

/** Some rows, with the owners and names that they speak of and no others. */
function pick(content: ReportContent, rows: Uint32Array): ReportContent {
  const columns = takeRows(content.columns, rows);
  const owners = kept(content.owners, columns.length, columns.fromOwner, columns.toOwner, columns.via);
  const names = kept(content.names, columns.length, columns.fromNames, columns.toNames);
  const { tcp } = content;
  // What is packed is transferred, and others need it too.
  return { ...content, columns, owners, names, ...(tcp && { tcp: tcp.slice() }) };
}

/** What two columns of places (1-based, 0 for none) point into, without the rest. Changes the places. */
function kept<T>(list: readonly T[], length: number, ...columns: readonly Uint32Array[]): T[] {
  const places = new Map<number, number>();
  const left: T[] = [];
  for (const column of columns) {
    for (let row = 0; row < length; row++) {
      const place = column[row]!;
      if (place === 0) continue;
      let now = places.get(place);
      if (now === undefined) {
        now = left.push(list[place - 1]!);
        places.set(place, now);
      }
      column[row] = now;
    }
  }
  return left;
}
