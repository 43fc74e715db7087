/** The rule of directions: a better answer stays. */
import { CONFIDENCE_CODE } from "../codes.ts";
import type { ConnectionRows } from "../rows/connection-rows.ts";
import type { Row } from "../rows/row.ts";

/**
 * Sets the direction of a connection, unless what is known is at least as sure. `evidence` and `confidence` are indices of EVIDENCE and CONFIDENCE;
 * `swapped`: the opener is at the reply end.
 */
export function suggestDirection(
  rows: ConnectionRows,
  row: Row,
  evidence: number,
  confidence: number,
  swapped: boolean,
): void {
  const known = rows.confidence(row);
  if (known === CONFIDENCE_CODE.none || confidence > known) rows.setDirection(row, evidence, confidence, swapped);
}
