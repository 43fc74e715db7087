/** Connections that another one announces, by conntrack's helper of FTP (nf_conntrack_ftp). */
import type { EndJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, report, watch } from "./reports.ts";

/** Conntrack reads what goes to this port as FTP's commands, from the second line on: of the first it does not know that it begins one. */
const CONTROL_PORT = 2121;
const HELPER = `table inet ftp { ct helper standard { type "ftp" protocol tcp; }
  chain leave { type filter hook output priority filter; tcp dport ${CONTROL_PORT} ct helper set "standard"; }; }`;

kernelTest(
  "F70 the data of active FTP goes from the server to the client, is told as expected, and names its control connection",
  async () => {
    await using lab = await loopbackLab();
    await lab.host.nft(HELPER);
    const server = lab.host.spawn(process.execPath, ["-e", SERVER]);
    await server.line((line) => line === "listening");
    const client = lab.host.spawn(process.execPath, ["-e", CLIENT]);
    const { port } = await client.json<{ port: number }>();
    await client.line((line) => line === "data");

    const { connections } = await report(lab.host, [...OWN]);

    const control = connections.find(({ to }) => to.port === CONTROL_PORT);
    expect(control).toMatchObject({ from: { pid: client.pid }, to: { pid: server.pid } });
    expect(control!.flags).toBeUndefined();
    const data = connections.find(({ to }) => to.port === port);
    const expected = {
      from: { pid: server.pid },
      to: { pid: client.pid },
      direction: { evidence: "conntrack" },
      flags: ["expected"],
      master: { protocol: "tcp", from: place(control!.from), to: place(control!.to) },
    };
    expect(data).toMatchObject(expected);
    expect(data!.master!.id).toBe(control!.id);
    expect(control!.master).toBeUndefined();

    // The same by events, as somebody sees it who watches while it begins.
    await using running = await watch(lab.host, [...OWN, "--no-names"]);
    const again = lab.host.spawn(process.execPath, ["-e", CLIENT]);
    const next = await again.json<{ port: number }>();
    const row = await running.until(({ connections: rows }) => rows.find(({ to }) => to.port === next.port), 30_000);
    const opener = running.reports.at(-1)!.connections.find(({ id }) => id === row.master?.id);
    expect(opener).toMatchObject({ from: { pid: again.pid }, to: { port: CONTROL_PORT } });
    await running.stop();
  },
  { timeout: 120_000 },
);

function place({ address, port }: EndJson): { readonly address: string; readonly port: number } {
  return { address, port };
}

const SERVER = `
  const { connect, createServer } = require("node:net");
  createServer((control) => {
    control.on("error", () => {});
    control.on("data", (bytes) => {
      const numbers = /^PORT ([0-9,]+)/.exec(String(bytes))?.[1].split(",").map(Number);
      control.write("200 ok\\r\\n");
      if (numbers === undefined) return;
      connect({ host: "127.0.0.1", port: numbers[4] * 256 + numbers[5] }, function () { this.write("data"); }).on("error", () => {});
    });
    control.write("220 ready\\r\\n");
  }).listen(${CONTROL_PORT}, "127.0.0.1", () => console.log("listening"));
  setTimeout(() => process.exit(0), 60000);
`;

const CLIENT = `
  const { connect, createServer } = require("node:net");
  const data = createServer((socket) => { socket.on("error", () => {}); socket.once("data", () => console.log("data")); });
  data.listen(0, "127.0.0.1", () => {
    const { port } = data.address();
    console.log(JSON.stringify({ port }));
    const control = connect({ host: "127.0.0.1", port: ${CONTROL_PORT} });
    control.on("error", () => {});
    const lines = ["USER anonymous", "PORT 127,0,0,1," + (port >> 8) + "," + (port & 255)];
    control.on("data", () => lines.length > 0 && control.write(lines.shift() + "\\r\\n"));
  });
  setTimeout(() => process.exit(0), 60000);
`;
