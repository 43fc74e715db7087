/** Connections that another one announces, by conntrack's helper of FTP (nf_conntrack_ftp). */
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, report } from "./reports.ts";

/** Conntrack reads what goes to this port as FTP's commands, from the second line on: of the first it does not know that it begins one. */
const CONTROL_PORT = 2121;
const HELPER = `table inet ftp { ct helper standard { type "ftp" protocol tcp; }
  chain leave { type filter hook output priority filter; tcp dport ${CONTROL_PORT} ct helper set "standard"; }; }`;

kernelTest("F70 the data of active FTP goes from the server to the client, and is told as expected", async () => {
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
  expect(data).toMatchObject({
    from: { pid: server.pid },
    to: { pid: client.pid },
    direction: { evidence: "conntrack" },
    flags: ["expected"],
  });
});

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
