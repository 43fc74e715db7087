/** conntrack's text, as the real tools printed it (test/fixtures/conntrack-text/make), replayed: the connections must be those of the same flows in the fixture's own account. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hasPorts, protocolName } from "@conntrail/model";
import type { ReportJson } from "@conntrail/report";
import { describe, expect, test } from "vitest";
import { runConntrail } from "../lab/index.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/conntrack-text");

interface Row {
  readonly event: "new" | "update" | "destroy" | "row";
  readonly protocol: number;
  readonly original: readonly (string | number)[];
  readonly reply: readonly (string | number)[];
  readonly status: readonly string[];
  readonly state: string | null;
  readonly zone: number;
  readonly zoneOriginal: number;
  readonly zoneReply: number;
}

const fixtures = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .map((name) => ({
    name: name.slice(0, -5),
    ...(JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as { command: string; rows: Row[] }),
  }))
  .filter(({ rows }) => rows.length > 0);

/** Who, to whom, seen as what, and whether it is over. */
type Line = string;

describe.each(fixtures)("$name ($command)", ({ name, rows }) => {
  test("replays to the right connections", async () => {
    const { stdout, stderr, code } = await runConntrail(undefined, [
      "replay",
      join(FOLDER, `${name}.txt`),
      "--format",
      "json",
    ]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as ReportJson;
    expect(report.connections.map(connectionLine).toSorted()).toEqual(lives(rows).toSorted());
  });
});

function connectionLine({ protocol, from, to, nat, state }: ReportJson["connections"][number]): Line {
  const end = ({ address, port }: { address: string; port: number }): string =>
    isPorted(protocol) ? `${address} ${port}` : address;
  const seen = nat?.visible.to ?? to;
  const over = state === "closed" || state === "failed";
  return `${protocol} ${end(from)} > ${end(to)} as ${end(seen)} ${ending(over)}`;
}

/** The lives of the flows: a NEW, or the first word of a flow, begins one; DESTROY, TIME_WAIT and CLOSE end it. */
function lives(rows: readonly Row[]): Line[] {
  const ended: Line[] = [];
  const alive = new Map<string, Line>();
  const silent = new Set<string>();
  for (const row of rows) {
    const key = JSON.stringify([row.protocol, row.original, row.zone, row.zoneOriginal, row.zoneReply]);
    const closing = closingStates(row).includes(row.state ?? "");
    if (row.event === "new") silent.delete(key);
    if (silent.has(key)) continue;
    if (closing || row.event === "destroy") {
      alive.delete(key);
      ended.push(rowLine(row, true));
      if (row.event !== "destroy") silent.add(key);
    } else alive.set(key, rowLine(row, false));
  }
  return [...ended, ...alive.values()];
}

function rowLine({ protocol, original, reply }: Row, over: boolean): Line {
  // A kernel that cannot follow DCCP knows no ports of it.
  const end = (address: unknown, port: unknown): string =>
    hasPorts(protocol) ? `${address} ${port ?? 0}` : `${address}`;
  const [source, destination, sourcePort, destinationPort] = original;
  const [server, , serverPort] = reply;
  const visible = end(destination, destinationPort);
  return `${protocolName(protocol)} ${end(source, sourcePort)} > ${end(server, serverPort)} as ${visible} ${ending(over)}`;
}

function ending(over: boolean): string {
  return over ? "over" : "open";
}

/** SCTP begins in CLOSED, unreplied, and ends there. */
function closingStates({ protocol, status }: Row): readonly string[] {
  if (protocol === 6) return ["TIME_WAIT", "CLOSE"];
  if (protocol !== 132) return [];
  return status.includes("SEEN_REPLY") ? ["SHUTDOWN_ACK_SENT", "CLOSED"] : ["SHUTDOWN_ACK_SENT"];
}

function isPorted(protocol: string): boolean {
  return ["tcp", "udp", "sctp", "dccp", "udplite"].includes(protocol);
}
