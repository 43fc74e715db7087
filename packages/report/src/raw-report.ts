/** A report as data: columns and the records they point into. What the encoders read, whichever side of a thread they run on. */
import type {
  ConnectionColumns,
  HostFacts,
  Master,
  NetnsName,
  Owner,
  ReportWindow,
  SnapshotHealth,
} from "@conntrail/model";
import type { Elided } from "./elision.ts";
import type { Records } from "./records.ts";
import type { Report } from "./report.ts";

/** A report as data. `ReportContent` is one; what crossed a thread is another. */
export interface RawReport {
  readonly sequence: number;
  readonly host: HostFacts;
  readonly window: ReportWindow;
  readonly health: SnapshotHealth;
  readonly columns: ConnectionColumns;
  /** What `fromOwner` and `toOwner` point into (1-based). */
  readonly owners: Records<Owner>;
  /** What `fromNames` and `toNames` point into (1-based). */
  readonly names: Records<readonly string[]>;
  /** What `fromDevice` and `toDevice` point into (1-based). Missing: none. */
  readonly devices?: readonly string[];
  /** What `tcp` points into (1-based). Missing: none. */
  readonly tcp?: Float64Array | undefined;
  /** What `master` points into (1-based). Missing: none. */
  readonly masters?: readonly Master[];
  /** What `exact` points into (1-based). Missing: none. */
  readonly exact?: readonly bigint[];
  /** What a limit left out of the columns. */
  readonly elided?: Elided;
  /** Members of each connection that JSON has (selection.ts). Missing: all. */
  readonly select?: readonly string[] | undefined;
  /** The namespaces that have a name. Missing: none. */
  readonly netnsNames?: readonly NetnsName[];
}

/** The data of either form. */
export function rawOf(report: RawReport | Report): RawReport {
  return "raw" in report ? report.raw : report;
}
