/**
 * A host of 300 connections, listed by conntrail, `ss` and `conntrack` at the same time: every row of ours is a row of theirs, with the same process, and every
 * row of theirs is one of ours or is left out by one of the rules named here.
 */
import type { ConnectionJson } from "@conntrail/report";
import { expect } from "vitest";
import { NETWORK, report } from "../e2e/reports.ts";
import { kernelTest } from "../lab/index.ts";
import { busyHost, EACH, KINDS, OTHERS } from "./busy-host.ts";
import { entriesOf, type ListedEntry, type ListedSocket, place, socketsOf } from "./listings.ts";

/** Why a socket of `ss` is no row of ours, or not by itself. */
const SOCKET_RULES: Readonly<Record<string, (socket: ListedSocket) => boolean>> = {
  "waits for connections": ({ state }) => state === "LISTEN",
  "takes datagrams from anybody: whom it talks to only conntrack knows": ({ state }) => state === "UNCONN",
  "is over: nobody holds it": ({ state }) => state === "TIME-WAIT",
};

/** Why an entry of `conntrack` is no row of ours. */
const ENTRY_RULES: Readonly<Record<string, (entry: ListedEntry) => boolean>> = {
  "was over before we came": ({ state }) => state === "TIME_WAIT",
  "goes to a group: told with --multicast": ({ original: [, to] }) => /^(22[4-9]|23\d)\.|^\[ff/.test(to),
};

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, sctp: 132, gre: 47 };
const KIND_COUNT = Object.keys(KINDS).length;

kernelTest(
  `conntrail, ss and conntrack agree on a host with ${EACH * KIND_COUNT + OTHERS} connections of ${KIND_COUNT + 5} kinds`,
  async () => {
    await using lab = await busyHost(NETWORK);
    const { connections: rows } = await report(lab.host, ["--namespaces", "own", "--protocol", "all"]);
    const sockets = socketsOf(await lab.host.exec("ss", ["-tuanpH"]));
    const listed = ["ipv4", "ipv6"].map((family) => lab.host.exec("conntrack", ["-L", "-f", family]));
    const entries = entriesOf((await Promise.all(listed)).join(""));

    const unexplained: string[] = [];
    for (const socket of sockets) {
      const row = rows.find((each) => sideOf(each, socket) !== undefined);
      if (row === undefined && !fits(SOCKET_RULES, socket)) unexplained.push(`ss: ${socket.line}`);
      if (row === undefined || socket.pids.length === 0) continue;
      const { pid } = row[sideOf(row, socket)!];
      if (!socket.pids.includes(pid!)) unexplained.push(`pid ${pid} of ours: ${socket.line}`);
    }
    for (const entry of entries) {
      const told = rows.filter((each) => isEntry(each, entry)).length;
      if (told > 1 || (told === 0 && !fits(ENTRY_RULES, entry))) unexplained.push(`${told} rows of: ${entry.line}`);
    }
    for (const row of rows) {
      const says = {
        sockets: sockets.some((each) => sideOf(row, each) !== undefined || isLoose(row, each)),
        conntrack: entries.some((each) => isEntry(row, each)),
      };
      const holds = (["sockets", "conntrack"] as const).every(
        (source) => says[source] === row.sources.includes(source),
      );
      if (!holds) unexplained.push(`${JSON.stringify(says)}: ${JSON.stringify(row)}`);
    }
    expect(unexplained).toEqual([]);
    // Nothing of what was opened is missing in all three.
    expect(rows).toHaveLength(EACH * (KIND_COUNT - 1) + OTHERS);
    expect(sockets.filter(({ state }) => state === "ESTAB")).toHaveLength(EACH * 8);
    // By the entries: the sockets themselves are gone after a minute.
    expect(entries.filter(({ state }) => state === "TIME_WAIT")).toHaveLength(EACH);
    expect(
      rows
        .filter(({ tunnel }) => tunnel === "gre")
        .map(({ to }) => to.port)
        .sort(),
    ).toEqual([0, 42]);
    // An ICMP error is no connection, and the one that it is about stays without an answer.
    expect(rows.filter(({ to, state }) => to.port === 7 && state === "unreplied")).toHaveLength(1);
    expect(rows.filter(({ nat }) => nat !== null)).toHaveLength(EACH * 5);
    expect(entries.filter((each) => !fits(ENTRY_RULES, each))).toHaveLength(rows.length);
  },
  { requires: ["python3", "conntrack", "ss"], timeout: 120_000 },
);

function fits<T>(rules: Readonly<Record<string, (of: T) => boolean>>, of: T): boolean {
  return Object.values(rules).some((rule) => rule(of));
}

/** The end of a row that a socket is of, as this host sees it. */
function sideOf({ protocol, from, to, nat }: ConnectionJson, socket: ListedSocket): "from" | "to" | undefined {
  if (protocol !== socket.protocol) return undefined;
  const { local, peer } = socket;
  const seen = nat?.visible ?? { from, to };
  if (local === place(from) && peer === place(seen.to)) return "from";
  return local === place(to) && peer === place(seen.from) ? "to" : undefined;
}

/** A UDP socket without a peer, of the same process, on the port of one of the row's ends. */
function isLoose({ protocol, from, to }: ConnectionJson, { protocol: of, peer, local, pids }: ListedSocket): boolean {
  if (protocol !== "udp" || of !== "udp" || peer !== "*") return false;
  return [from, to].some(({ port, pid }) => pids.includes(pid!) && local === `0.0.0.0:${port}`);
}

/** The opener is who sent the first packet; real and visible ends are what the two directions of the entry say. */
function isEntry(row: ConnectionJson, { protocol, original, reply }: ListedEntry): boolean {
  const { from, to, nat } = row;
  const seen = nat?.visible ?? { from, to };
  const isReplied = row.protocol === "icmp" || (reply[0] === place(to) && reply[1] === place(seen.from));
  const isOriginal = original[0] === place(from) && original[1] === place(seen.to);
  return (PROTOCOLS[row.protocol] ?? Number(row.protocol)) === protocol && isOriginal && isReplied;
}
