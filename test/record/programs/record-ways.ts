/**
 * Makes test/replay/recordings/ways.pcapng.gz, what `why` is asked about: `npx tsx test/record/programs/record-ways.ts`, as root. Ways that connections take on real
 * hosts, each in namespaces of its own (isolated.ts), seen by one recorder.
 */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLab, type Lab, type LabNamespace, loopbackLab, natLab, type Program, TRACK } from "../../lab/index.ts";
import { finish, REPOSITORY, record, runIsolated, sleep } from "./isolated.ts";

const FILE = join(REPOSITORY, "test/replay/recordings/ways.pcapng.gz");
const PROGRAMS = join(REPOSITORY, "test/lab/programs");

async function recordWays(): Promise<void> {
  const names = mkdtempSync(join(tmpdir(), "ways-"));
  process.on("exit", () => rmSync(names, { recursive: true, force: true }));
  /** The kernel calls a process by the file that was run. */
  const named = (name: string, program = process.execPath): string => {
    const path = join(names, name);
    symlinkSync(program, path);
    return path;
  };
  const start = async (at: LabNamespace, name: string, program: string, options: object): Promise<Program> => {
    const said = Object.entries(options).flatMap(([key, value]) =>
      value === true ? [`--${key}`] : [`--${key}`, String(value)],
    );
    const running = at.spawn(named(name), [join(PROGRAMS, `${program}.mjs`), ...said]);
    await running.json();
    return running;
  };

  await using translated = await natLab({ track: "all" });
  await translated.addNamespace("inner");
  await translated.link(
    { role: "inner", device: "eth0", address: "10.2.0.77/24" },
    { role: "router", device: "port77", bridge: "br0" },
  );
  await translated.addDefaultRoute("inner", "10.2.0.1");
  await using sidecar = await pair("10.3.0");
  await using transparent = await pair("10.4.0");
  await using own = await loopbackLab();
  await rules(sidecar, transparent, own);

  const { client, router, servers } = translated;
  const virtual = { host: translated.virtual.address, port: translated.virtual.port };
  await start(servers[0]!, "web", "tcp-server", { port: 8080 });
  await start(sidecar.ns("far"), "api", "tcp-server", { port: 8080 });
  const api = { host: "10.3.0.2", port: 8080 };
  await start(sidecar.ns("near"), "envoy", "tcp-proxy", {
    port: 15_001,
    "to-host": api.host,
    "to-port": api.port,
    uid: 65_534,
  });
  const tproxy = transparent.ns("near").spawn(named("tproxy", "/usr/bin/python3"), ["-c", TRANSPARENT]);
  await tproxy.line();
  await start(own.host, "cache", "tcp-server", { port: 8081 });
  const ftpd = own.host.spawn(named("ftpd"), ["-e", FTP_SERVER]);
  await ftpd.line();
  const peers = own.host.spawn(named("peers"), ["-e", EQUAL_PORTS]);
  await peers.line();
  await own.host.exec("conntrack", ["-F"]);
  peers.write("speak\n");
  await peers.line();

  const recorder = await record(router, FILE, "--no-names", "--protocol", "all");
  await start(client, "curl", "tcp-client", { ...virtual, hold: true });
  await start(translated.ns("inner"), "worker", "tcp-client", { ...virtual, hold: true });
  await start(sidecar.ns("near"), "shop", "tcp-client", { ...api, hold: true });
  await start(transparent.ns("far"), "browser", "tcp-client", { host: "203.0.113.5", port: 80, hold: true });
  await start(own.host, "reader", "tcp-client", { host: "127.0.0.1", port: 81, hold: true });
  const ftp = own.host.spawn(named("ftp"), ["-e", FTP_CLIENT]);
  await ftp.line((line) => line === "data");
  const attempts = own.host.spawn(named("prober", "/usr/bin/python3"), ["-c", ATTEMPTS]);
  await attempts.line();
  const early = own.host.spawn(named("early"), ["-e", LATE_LISTENER]);
  await early.line();
  await sleep(2500);
  await finish(recorder);
}

/** Two hosts on one wire, with tracking on. */
async function pair(network: string): Promise<Lab> {
  const lab = await createLab("near", "far");
  await lab.link(
    { role: "near", device: "eth0", address: `${network}.1/24` },
    { role: "far", device: "eth0", address: `${network}.2/24` },
  );
  for (const namespace of lab.namespaces) await namespace.nft(TRACK);
  return lab;
}

async function rules(sidecar: Lab, transparent: Lab, own: { readonly host: LabNamespace }): Promise<void> {
  await sidecar.ns("near").nft(`table ip sidecar { chain out { type nat hook output priority -100;
    tcp dport 8080 meta skuid != 65534 redirect to :15001; }; }`);
  await transparent.addDefaultRoute("far", "10.4.0.1");
  const proxy = transparent.ns("near");
  await proxy.nft(`table ip m { chain p { type filter hook prerouting priority -150;
    iifname "eth0" tcp dport 80 tproxy to :15006 meta mark set 1 accept; }; }`);
  await proxy.exec("ip", ["rule", "add", "fwmark", "1", "lookup", "100"]);
  await proxy.exec("ip", ["route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100"]);
  await own.host.nft(`table inet own {
    ct helper standard { type "ftp" protocol tcp; }
    chain leave { type filter hook output priority filter; tcp dport 2121 ct helper set "standard"; }
    chain turn { type nat hook output priority -100; ip daddr 127.0.0.1 tcp dport 81 redirect to :8081; }
    chain arrive { type filter hook input priority filter; tcp dport 9001 drop; tcp dport 9002 reject with icmpx admin-prohibited; }
  }`);
}

/** Takes connections to any address, as the socket option IP_TRANSPARENT allows; Node has no way to set it. */
const TRANSPARENT = `
import socket
l = socket.socket(); l.setsockopt(0, 19, 1); l.bind(("0.0.0.0", 15006)); l.listen(64); print("ready", flush=True)
held = []
while True: held.append(l.accept()[0])`;

/** One attempt each: nobody listens; dropped; refused by a rule (an ICMP error); UDP to nobody; and a GRE packet of PPTP (RFC 2637) with its call id. */
const ATTEMPTS = `
import socket, time
def tcp(port):
    s = socket.socket(); s.setblocking(False); s.connect_ex(("127.0.0.1", port)); return s
held = [tcp(9000), tcp(9001), tcp(9002)]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(("127.0.0.1", 9003)); u.send(b".")
g = socket.socket(socket.AF_INET, socket.SOCK_RAW, 47); g.sendto(bytes.fromhex("2001880b0000002a"), ("127.0.0.1", 0))
print("tried", flush=True)
time.sleep(60)`;

/** Two ends with the same port, older than anybody who watches; the server speaks first afterwards. */
const EQUAL_PORTS = `
  const { connect, createServer } = require("node:net");
  const sockets = [];
  createServer((socket) => { socket.on("error", () => {}); socket.resume(); sockets.push(socket); }).listen(7070, "127.0.0.1", () => {
    const client = connect({ host: "127.0.0.1", port: 7070, localAddress: "127.0.0.2", localPort: 7070 }, () => console.log("connected"));
    client.on("error", () => {});
    client.on("data", () => console.log("heard"));
  });
  process.stdin.on("data", () => { for (const socket of sockets) socket.write("."); });`;

/** A client that finds its server only after some tries: what listens is bound after the first scan. */
const LATE_LISTENER = `
  const { connect, createServer } = require("node:net");
  setTimeout(() => createServer((socket) => socket.on("error", () => {}).resume()).listen(7071, "127.0.0.1", () => {
    const client = connect({ host: "127.0.0.1", port: 7071 }, () => console.log("connected"));
    client.on("error", () => {});
  }), 1500);`;

const FTP_SERVER = `
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
  }).listen(2121, "127.0.0.1", () => console.log("listening"));`;

const FTP_CLIENT = `
  const { connect, createServer } = require("node:net");
  const data = createServer((socket) => { socket.on("error", () => {}); socket.once("data", () => console.log("data")); });
  data.listen(5021, "127.0.0.1", () => {
    const control = connect({ host: "127.0.0.1", port: 2121 });
    control.on("error", () => {});
    const lines = ["USER anonymous", "PORT 127,0,0,1,19,157"];
    control.on("data", () => lines.length > 0 && control.write(lines.shift() + "\\r\\n"));
  });`;

await runIsolated("record-ways", recordWays);
