/** Connections that are older than conntrail, whatever their ports, and whatever becomes of their entries: no arrow the wrong way round, and none told as over (F20, F23, F56). */
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, watch } from "./reports.ts";

/** Server and client ports of each connection: above the client's, the same at both ends, and both below what a kernel hands out. */
const PORTS = [
  [60_000, 999],
  [7070, 7070],
  [8443, 30_100],
] as const;

kernelTest(
  "F20 F23 F56 connections from before, met by the server's packets, with the lower port at either end, have no wrong arrow and go on when their entries are deleted",
  async () => {
    await using lab = await loopbackLab();
    const server = lab.host.spawn(process.execPath, ["-e", SERVER, JSON.stringify(PORTS)]);
    await server.line((line) => line === "listening");
    const client = lab.host.spawn(process.execPath, ["-e", CLIENT, JSON.stringify(PORTS)]);
    await client.line((line) => line === "connected");
    // Whoever speaks first makes the new entry: the server.
    await lab.host.exec("conntrack", ["-F"]);
    server.write("speak\n");
    await client.line((line) => line === "heard all");
    await using running = await watch(lab.host, [...OWN, "--no-names"]);
    await running.until((one) => rowsOf(one).length === PORTS.length);

    await lab.host.exec("conntrack", ["-F"]);
    server.write("speak\n");
    await client.line((line) => line === "heard all");
    const told = running.reports.length;
    await running.until((one) => one.health.conntrack.flows >= PORTS.length);
    await running.until(() => running.reports.length >= told + 4);
    const reports = await running.stop();

    const shown = reports.filter((one) => one.health.sockets.reason !== "starting" && rowsOf(one).length > 0);
    for (const one of shown.slice(1)) {
      const rows = rowsOf(one);
      expect(rows.map(({ state }) => state)).toEqual(PORTS.map(() => "established"));
      for (const { from, to, direction } of rows) {
        expect([from.pid, to.pid].sort()).toEqual([client.pid, server.pid].sort());
        if (direction.evidence !== "none") expect([from.pid, to.pid]).toEqual([client.pid, server.pid]);
      }
    }
    // Listeners are in sight: that is evidence, whatever conntrack took for the original direction.
    const last = rowsOf(shown.at(-1)!);
    expect(last.map(({ direction }) => direction.evidence)).toEqual(PORTS.map(() => "listener"));
  },
  { requires: ["conntrack"] },
);

function rowsOf({ connections }: ReportJson): ConnectionJson[] {
  const ports: ReadonlySet<number> = new Set(PORTS.flat());
  return connections.filter(({ from, to }) => ports.has(from.port) && ports.has(to.port));
}

const SERVER = `
  const { createServer } = require("node:net");
  const ports = JSON.parse(process.argv[1]);
  const sockets = [];
  let left = ports.length;
  for (const [port] of ports) {
    createServer((socket) => { socket.on("error", () => {}); socket.resume(); sockets.push(socket); })
      .listen(port, "127.0.0.1", () => { if (--left === 0) console.log("listening"); });
  }
  process.stdin.on("data", () => { for (const socket of sockets) socket.write("."); });
  setTimeout(() => process.exit(0), 90000);
`;

const CLIENT = `
  const { connect } = require("node:net");
  const ports = JSON.parse(process.argv[1]);
  let left = ports.length;
  let heard = 0;
  for (const [port, localPort] of ports) {
    const socket = connect({ host: "127.0.0.1", port, localAddress: "127.0.0.2", localPort }, () => { if (--left === 0) console.log("connected"); });
    socket.on("error", () => {});
    socket.on("data", (bytes) => { heard += bytes.length; if (heard % ports.length === 0) console.log("heard all"); });
  }
  setTimeout(() => process.exit(0), 90000);
`;
