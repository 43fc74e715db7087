/** Connections that another one announces, by conntrack's helpers of FTP (nf_conntrack_ftp) and SIP (nf_conntrack_sip). */
import type { EndJson } from "@conntrail/report";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { KERNEL_SKIP } from "../lab/kernel.ts";
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

kernelTest(
  "F70 the media of a SIP call are told as expected, and name the call's signalling",
  async ({ skip }) => {
    await using lab = await loopbackLab();
    const helper = await lab.host.nft(SIP_HELPER).catch((error: Error) => error);
    if (helper instanceof Error) skip(`${KERNEL_SKIP}no helper of SIP: ${helper.message}`);
    const call = lab.host.spawn(process.execPath, ["-e", CALL]);
    const { caller, media } = await call.json<{ caller: number; media: number }>();
    await call.line((line) => line === "media");

    const { connections } = await report(lab.host, [...OWN]);

    const signalling = connections.find(({ to }) => to.port === SIP_PORT);
    expect(signalling).toMatchObject({ protocol: "udp", from: { port: caller, pid: call.pid } });
    expect(signalling!.flags).toBeUndefined();
    const heard = connections.find(({ to }) => to.port === media);
    const master = { id: signalling!.id, protocol: "udp", from: place(signalling!.from), to: place(signalling!.to) };
    expect(heard).toMatchObject({ to: { pid: call.pid }, flags: ["expected"], master });
  },
  { timeout: 120_000 },
);

function place({ address, port }: EndJson): { readonly address: string; readonly port: number } {
  return { address, port };
}

const SIP_PORT = 5060;
const SIP_HELPER = `table inet sip { ct helper standard { type "sip" protocol udp; }
  chain leave { type filter hook output priority filter; udp dport ${SIP_PORT} ct helper set "standard"; }; }`;

/** Caller, callee and both their media in one process: an INVITE whose SDP announces where the caller hears, and a datagram that goes there. */
const CALL = `
  const { createSocket } = require("node:dgram");
  const bound = (port) => new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.bind(port, "127.0.0.1", () => resolve(socket));
  });
  Promise.all([bound(${SIP_PORT}), bound(0), bound(0), bound(0)]).then(([callee, caller, heard, spoken]) => {
    const ports = { caller: caller.address().port, media: heard.address().port };
    const sdp = ["v=0", "o=a 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio " + ports.media + " RTP/AVP 0", ""].join("\\r\\n");
    const invite = [
      "INVITE sip:b@127.0.0.1:${SIP_PORT} SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1:" + ports.caller + ";branch=z9hG4bK1",
      "Max-Forwards: 70", "From: <sip:a@127.0.0.1>;tag=1", "To: <sip:b@127.0.0.1>", "Call-ID: 1@127.0.0.1", "CSeq: 1 INVITE",
      "Contact: <sip:a@127.0.0.1:" + ports.caller + ">", "Content-Type: application/sdp", "Content-Length: " + sdp.length, "", sdp,
    ].join("\\r\\n");
    console.log(JSON.stringify(ports));
    callee.once("message", () => spoken.send(Buffer.alloc(12), ports.media, "127.0.0.1"));
    heard.once("message", () => console.log("media"));
    caller.send(invite, ${SIP_PORT}, "127.0.0.1");
  });
  setTimeout(() => process.exit(0), 60000);
`;

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
