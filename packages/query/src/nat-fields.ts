/** The fields of what the kernel rewrote, and of the process that passes a connection on. */
import {
  type ConnectionColumns,
  formatAddress,
  NAT_KIND,
  type Owner,
  visibleFromPort,
  visibleToPort,
} from "@conntrail/model";
import { field, type Read } from "./end-fields.ts";
import type { Field } from "./fields.ts";
import type { Table } from "./table.ts";
import type { Value } from "./value.ts";

/** What each side saw instead. */
export function visibleFields(): Field[] {
  const translated =
    (read: Read): Read =>
    (table, row) =>
      isTranslated(table, row) ? read(table, row) : null;
  const address = (read: (columns: ConnectionColumns) => Uint32Array): Read =>
    translated(({ columns }, row) => formatAddress(read(columns), row * 4));
  return [
    field("nat.visible", "part", "what each side saw instead", (table, row) =>
      isTranslated(table, row) ? "visible" : null,
    ),
    field("nat.visible.from", "part", "the opener as the server sees it", (table, row) =>
      isTranslated(table, row) ? "from" : null,
    ),
    field(
      "nat.visible.from.address",
      "address",
      "the opener's address as the server sees it",
      address((c) => c.replyDestination),
    ),
    field(
      "nat.visible.from.port",
      "number",
      "the opener's port as the server sees it",
      translated((t, row) => visibleFromPort(t.columns, row)),
    ),
    field("nat.visible.to", "part", "the server as the opener sees it", (table, row) =>
      isTranslated(table, row) ? "to" : null,
    ),
    field(
      "nat.visible.to.address",
      "address",
      "the server's address as the opener sees it",
      address((c) => c.originalDestination),
    ),
    field(
      "nat.visible.to.port",
      "number",
      "the server's port as the opener sees it",
      translated((t, row) => visibleToPort(t.columns, row)),
    ),
  ];
}

/** The process between two legs. */
export function viaFields(): Field[] {
  const of = (table: Table, row: number): Owner | undefined => {
    const owner = table.columns.via[row]!;
    return owner === 0 ? undefined : table.owners.at(owner - 1);
  };
  return [
    field("via", "part", "the process that passes it on", (table, row) => (of(table, row) ? "via" : null)),
    field("via.pid", "number", "its process id", (table, row) => of(table, row)?.pid ?? null),
    field(
      "via.startTicks",
      "number",
      "its start, ticks after boot",
      (table, row) => of(table, row)?.startTicks ?? null,
    ),
    field("via.process", "text", "its name", (table, row) => of(table, row)?.process ?? null),
  ];
}

/** The kind of translation, null for none. */
export function natKind({ columns }: Table, row: number): Value {
  const kind = NAT_KIND[columns.nat[row]!]!;
  return kind === "none" ? null : kind;
}

/** True for a connection that the kernel translated. */
export function isTranslated({ columns }: Table, row: number): boolean {
  return columns.nat[row] !== 0;
}
