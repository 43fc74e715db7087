/** The rows of a report as questions see them: its columns, and the lists they point into. */
import type { ConnectionColumns, Master, NetnsName, Owner } from "@conntrail/model";

/** A list that is read by index. */
export interface List<T> {
  readonly length: number;
  at(index: number): T | undefined;
}

/** A report's rows: `RawReport` and `ReportContent` are ones. */
export interface Table {
  readonly columns: ConnectionColumns;
  /** 1-based targets of `fromOwner`, `toOwner`. */
  readonly owners: List<Owner>;
  /** 1-based targets of `fromNames`, `toNames`. */
  readonly names: List<readonly string[]>;
  /** 1-based targets of `fromDevice`, `toDevice`. */
  readonly devices?: List<string>;
  /** 1-based target of `tcp`: records of doubles (model's tcp-fact.ts). */
  readonly tcp?: Float64Array | undefined;
  /** 1-based targets of `master`. */
  readonly masters?: List<Master>;
  /** 1-based target of `exact`: records of EXACT_COUNTERS numbers. */
  readonly exact?: readonly bigint[];
  readonly netnsNames?: readonly NetnsName[];
}
