/** All that is known of a connection, a field a line, and what the word behind each decision means. */
import { type OwnerReason, printable } from "@conntrail/model";
import type { Connection } from "@conntrail/report";
import { fields } from "../fields.ts";

/** Name, value, and what it means where that is not plain. */
export interface EvidenceLine {
  readonly name: string;
  readonly value: string;
  readonly about: string;
}

/** The lines, in the order of the report's members. */
export function evidenceLines(connection: Connection): EvidenceLine[] {
  return fields().paths.flatMap((name) => {
    const field = fields().get(name)!;
    if (field.kind === "part") return [];
    const value = fields().read(name, connection);
    if (value === null || (Array.isArray(value) && value.length === 0)) return [];
    const text = printable(Array.isArray(value) ? value.join(" ") : String(value));
    return [{ name, value: text, about: MEANING.get(text) ?? "" }];
  });
}

const REASONS: Readonly<Partial<Record<OwnerReason, string>>> = {
  "not-local": "this end is not on this host",
  "no-socket": "no socket with this end was seen: it closed before a scan, or its namespace cannot be reached",
  "no-process": "the socket has no process: the kernel's own, or closed by its owner already",
  permission: "the process that holds the socket may not be inspected",
  listener: "its own socket was not seen; this process listens on its port",
  ambiguous: "several sockets or programs have the same end",
  off: "switched off",
  unavailable: "sockets could not be read",
};

/** Words of the report that deserve a sentence. A process may be called `toString`: what is looked up is no member of an object. */
const MEANING: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...REASONS,
    conntrack: "the first packet that the kernel tracked went this way",
    "ephemeral-port": "one port is from the range for clients, the other is not",
    "port-order": "the lower port is taken for the server's",
    trace: "the kernel saw this process open or close it",
    held: "this process holds the very socket",
  }),
);
