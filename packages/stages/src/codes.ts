/** The closed lists of the model as numbers, the way columns store them (connection.ts of the model). */
import {
  CONFIDENCE,
  CONNECTION_STATE,
  type Confidence,
  type ConnectionState,
  EVIDENCE,
  type Evidence,
  NAT_KIND,
  type NatKind,
  OWNER_REASON,
  type OwnerReason,
} from "@conntrail/model";

type Codes<T extends string> = Readonly<Record<T, number>>;

export const STATE: Codes<ConnectionState> = codes(CONNECTION_STATE);
export const REASON: Codes<OwnerReason> = codes(OWNER_REASON);
export const EVIDENCE_CODE: Codes<Evidence> = codes(EVIDENCE);
export const CONFIDENCE_CODE: Codes<Confidence> = codes(CONFIDENCE);
export const NAT: Codes<NatKind> = codes(NAT_KIND);

/** True for a CONNECTION_STATE, as its index, of a connection that has ended. */
export function isOver(state: number): boolean {
  return state === STATE.closed || state === STATE.failed;
}

function codes<T extends string>(list: readonly T[]): Codes<T> {
  return Object.fromEntries(list.map((word, code) => [word, code])) as Codes<T>;
}
