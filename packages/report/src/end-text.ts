/** The ends of a connection in words, for the formats that people read. */
import { hasPorts, protocolNumber } from "@conntrail/model";
import type { Connection } from "./connection.ts";
import type { End } from "./end.ts";

/** `10.0.0.9:80`, `[fd00::1]:80` or `name:80`. A client that stands for several has `*` for its port; protocols without ports have none. */
export function endText(connection: Connection, side: "from" | "to"): string {
  const { names, address, port } = connection[side];
  return addressText(connection, side, names[0] ?? address, port);
}

/** An address or a name with its port, in the words of `endText`. */
export function addressText(connection: Connection, side: "from" | "to", address: string, port: number): string {
  if (!hasPorts(protocolNumber(connection.protocol) ?? 0)) return address;
  const several = side === "from" && port === 0 && connection.flags.includes("aggregated");
  return `${address.includes(":") ? `[${address}]` : address}:${several ? "*" : port}`;
}

/** `curl[123]`; the reason in brackets for a local end whose process is not known; nothing for an end elsewhere. */
export function ownerText({ owner, ownerReason }: End): string {
  if (owner !== undefined) return `${owner.process}[${owner.pid}]`;
  return ownerReason === null || ownerReason === "not-local" ? "" : `(${ownerReason})`;
}
