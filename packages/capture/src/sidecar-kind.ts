/** The numbers of the sidecar kinds in a file: docs/capture-format.md. A number is never used for anything else again. */
import type { SidecarRecord } from "./records.ts";

/** Number of each kind. */
export const SIDECAR_KIND: Readonly<Record<SidecarRecord["kind"], number>> = {
  host: 1,
  namespace: 2,
  released: 3,
  owners: 4,
  names: 5,
  loss: 6,
  dump: 7,
  scan: 8,
  sockets: 9,
  health: 10,
  tick: 11,
  options: 12,
  "proc-net": 13,
  emptied: 14,
  trace: 15,
  containers: 16,
};

const KINDS = new Map<number, SidecarRecord["kind"]>(
  Object.entries(SIDECAR_KIND).map(([kind, number]) => [number, kind as SidecarRecord["kind"]]),
);

/** The kind that a number stands for; `undefined` for one of a newer writer. */
export function sidecarKind(number: number): SidecarRecord["kind"] | undefined {
  return KINDS.get(number);
}
