/** The fields of the connection that announced another to a helper of conntrack. */
import type { Master } from "@conntrail/model";
import { field } from "./end-fields.ts";
import type { Field } from "./fields.ts";
import type { Table } from "./table.ts";
import type { Value } from "./value.ts";

/** They are null for a connection that nobody announced. */
export function masterFields(): Field[] {
  const read = (of: (master: Master) => Value) => {
    return ({ columns, masters }: Table, row: number): Value => {
      const place = columns.master[row]!;
      const master = place === 0 ? undefined : masters?.at(place - 1);
      return master === undefined ? null : of(master);
    };
  };
  return [
    field(
      "master",
      "part",
      "the connection that announced it",
      read(() => "master"),
    ),
    field(
      "master.id",
      "number",
      "the announcing connection's number",
      read(({ id }) => id),
    ),
    field(
      "master.protocol",
      "text",
      "the announcing connection's protocol",
      read(({ protocol }) => protocol),
    ),
    field(
      "master.from",
      "part",
      "who opened the announcing connection",
      read(() => "from"),
    ),
    field(
      "master.from.address",
      "address",
      "address of who opened the announcing connection",
      read(({ from }) => from.address),
    ),
    field(
      "master.from.port",
      "number",
      "port of who opened the announcing connection",
      read(({ from }) => from.port),
    ),
    field(
      "master.to",
      "part",
      "whom the announcing connection called",
      read(() => "to"),
    ),
    field(
      "master.to.address",
      "address",
      "address that the announcing connection called",
      read(({ to }) => to.address),
    ),
    field(
      "master.to.port",
      "number",
      "port that the announcing connection called",
      read(({ to }) => to.port),
    ),
  ];
}
