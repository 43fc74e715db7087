/** The fields of an end of a connection, and how any field of the columns is written down. */
import {
  CONNECTION_FLAG,
  type ConnectionColumns,
  cgroupPlace,
  formatAddress,
  fromPort,
  OWNER_REASON,
  type Owner,
  toPort,
} from "@conntrail/model";
import type { Field } from "./fields.ts";
import type { Table } from "./table.ts";
import type { Kind, Value } from "./value.ts";

const REASON_WORDS = OWNER_REASON.filter((word) => word !== "known");

/** A field's value in a row. */
export type Read = (table: Table, row: number) => Value;
type Extra = Partial<Pick<Field, "words" | "absent" | "words4">>;

/** A field of the columns. */
export function field(path: string, kind: Kind, about: string, read: Read, extra: Extra = {}): Field {
  return { path, kind, about, read, ...extra };
}

/** The fields of one end; `who` it is, for help. */
export function endFields(side: "from" | "to", who: string): Field[] {
  const isFrom = side === "from";
  const ownerOf = ({ columns, owners }: Table, row: number): Owner | undefined => {
    const owner = (isFrom ? columns.fromOwner : columns.toOwner)[row]!;
    return owner === 0 ? undefined : owners.at(owner - 1);
  };
  const at = (columns: ConnectionColumns): Uint32Array => (isFrom ? columns.originalSource : columns.replySource);
  const end = (name: string, kind: Kind, about: string, read: Read, extra?: Extra): Field =>
    field(`${side}.${name}`, kind, `${who}: ${about}`, read, extra);
  const local = isFrom ? CONNECTION_FLAG.fromLocal : CONNECTION_FLAG.toLocal;
  const traced = isFrom ? CONNECTION_FLAG.fromTraced : CONNECTION_FLAG.toTraced;
  return [
    end("address", "address", "its real address", ({ columns }, row) => formatAddress(at(columns), row * 4), {
      words4: at,
    }),
    end("port", "number", "its port", ({ columns }, row) => (isFrom ? fromPort : toPort)(columns, row)),
    end("local", "flag", "on this host", ({ columns }, row) => (columns.flags[row]! & local) !== 0),
    end("pid", "number", "its process id", (table, row) => ownerOf(table, row)?.pid ?? null),
    end("process", "text", "its process", (table, row) => ownerOf(table, row)?.process ?? null),
    end("names", "texts", "names of its address", ({ columns, names }, row) => {
      const index = (isFrom ? columns.fromNames : columns.toNames)[row]!;
      return index === 0 ? [] : (names.at(index - 1) ?? []);
    }),
    end(
      "ownerReason",
      "text",
      "why there is no process",
      ({ columns }, row) => {
        const reason = OWNER_REASON[(isFrom ? columns.fromReason : columns.toReason)[row]!]!;
        return reason === "known" ? null : reason;
      },
      { words: REASON_WORDS },
    ),
    end(
      "ownerEvidence",
      "text",
      "how its process is known",
      ({ columns }, row) => {
        if ((isFrom ? columns.fromOwner : columns.toOwner)[row] === 0) return null;
        if ((columns.flags[row]! & traced) !== 0) return "trace";
        return OWNER_REASON[(isFrom ? columns.fromReason : columns.toReason)[row]!] === "listener"
          ? "listener"
          : "held";
      },
      { words: ["trace", "held", "listener"] },
    ),
    end(
      "startTicks",
      "number",
      "start of its process, ticks after boot",
      (table, row) => ownerOf(table, row)?.startTicks ?? null,
    ),
    end("containerId", "text", "its container", (table, row) => ownerOf(table, row)?.containerId || null),
    end("containerName", "text", "what its container is called", (table, row) => {
      return ownerOf(table, row)?.container?.name || null;
    }),
    end("image", "text", "what its container was made from", (table, row) => {
      return ownerOf(table, row)?.container?.image || null;
    }),
    end("pod", "text", "its Kubernetes pod: namespace/name, or the uid", (table, row) => {
      const owner = ownerOf(table, row);
      const { pod, namespace } = owner?.container ?? {};
      if (pod) return namespace ? `${namespace}/${pod}` : pod;
      return (owner && cgroupPlace(owner.cgroup).podUid) || null;
    }),
    end("unit", "text", "its systemd unit", (table, row) => {
      const owner = ownerOf(table, row);
      return (owner && cgroupPlace(owner.cgroup).unit) || null;
    }),
    end("user", "text", "the user that it runs as", (table, row) => ownerOf(table, row)?.user || null),
    end("device", "text", "the interface that its socket is bound to", ({ columns, devices }, row) => {
      const device = (isFrom ? columns.fromDevice : columns.toDevice)[row]!;
      return device === 0 ? null : (devices?.at(device - 1) ?? null);
    }),
  ];
}
