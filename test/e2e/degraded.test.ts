/** With less than everything: conntrail says what is missing and what would help, shows the rest, and ends with code 0. */
import { expect } from "vitest";
import { kernelTest, loopbackLab, NOBODY, plainLab, runConntrail, TRACK } from "../lab/index.ts";
import { OWN, parsed, report, watch } from "./reports.ts";

kernelTest(
  "S20 as an unprivileged user: sockets, no conntrack, with the reason and what would turn it on",
  async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server");
    await lab.host.start("tcp-client", { port: server.ready.port!, hold: true, connections: 2 });
    const args = ["report", "--format", "json", "--window", "300ms", "--no-names"];

    const { health, connections } = parsed(await runConntrail(lab.host, args, { user: NOBODY }));

    expect(health.conntrack).toMatchObject({ state: "off", reason: "not-permitted" });
    expect(health.conntrack.advice).toMatch(/CAP_NET_ADMIN/);
    expect(health.sockets).toMatchObject({ state: "degraded", reason: "partly-permitted", attributed: 0 });
    expect(health.sockets.advice).toMatch(/CAP_SYS_PTRACE/);
    expect(connections).toHaveLength(2);
    for (const { from, to, sources, direction } of connections) {
      expect(to.port).toBe(server.ready.port);
      expect(sources).toEqual(["sockets"]);
      expect(direction.evidence).toBe("listener");
      for (const end of [from, to]) expect(end).toMatchObject({ local: true, pid: null, ownerReason: "permission" });
    }
  },
);

kernelTest("S20 F30 an unprivileged user sees the processes of its own", async () => {
  await using lab = await loopbackLab();
  const run = ["--reuid", `${NOBODY}`, "--regid", `${NOBODY}`, "--clear-groups", process.execPath, "-e", PAIR];
  const pair = lab.host.spawn("setpriv", run);
  await pair.json();
  const args = ["report", "--format", "json", "--window", "300ms", "--no-names"];

  const { connections } = parsed(await runConntrail(lab.host, args, { user: NOBODY }));

  expect(connections).toHaveLength(1);
  expect(connections[0]).toMatchObject({ from: { pid: pair.pid, process: "node" }, to: { pid: pair.pid } });
});

kernelTest("F39 a namespace without a rule that refers to ct is told apart from one without permission", async () => {
  await using lab = await plainLab();
  const server = await lab.host.start("tcp-server");
  const client = await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });
  const { health, connections } = await report(lab.host);

  expect(health.conntrack).toMatchObject({ state: "off", reason: "no-rule" });
  expect(health.conntrack.advice).toMatch(/rule/);
  expect(connections).toHaveLength(1);
  expect(connections[0]).toMatchObject({
    from: { pid: client.pid },
    to: { pid: server.pid },
    direction: { evidence: "listener" },
    sources: ["sockets"],
  });
});

kernelTest("F39 the same beside a namespace that does track: it is the own one that counts", async () => {
  await using tracked = await loopbackLab();
  await using plain = await plainLab();
  for (const { host } of [tracked, plain]) {
    const server = await host.start("tcp-server");
    await host.start("tcp-client", { port: server.ready.port!, hold: true });
  }

  const { health } = await report(plain.host, []);

  expect(health.conntrack).toMatchObject({ state: "degraded", reason: "no-rule" });
});

kernelTest("F39 events that are switched off by sysctl are named, and how to switch them on", async () => {
  await using lab = await loopbackLab();
  await lab.host.sysctl("net.netfilter.nf_conntrack_events", 0);
  const server = await lab.host.start("tcp-server");
  await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });
  const { health, connections } = await report(lab.host);

  expect(health.conntrack.reason).toBe("events-disabled");
  expect(health.conntrack.state).not.toBe("ok");
  expect(health.conntrack.advice).toMatch(/nf_conntrack_events/);
  expect(connections).toHaveLength(1);
});

kernelTest("a rule that comes while conntrail runs turns conntrack on", async () => {
  await using lab = await plainLab();
  const server = await lab.host.start("tcp-server");
  await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });
  await using running = await watch(lab.host);
  await running.until(({ health }) => health.conntrack.reason === "no-rule");
  await lab.host.nft(TRACK);
  await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });

  const { direction } = await running.until(
    ({ connections, health }) =>
      health.conntrack.state === "ok" && connections.find(({ sources }) => sources.includes("conntrack")),
    15_000,
  );
  expect(direction.evidence).toBe("conntrack");
  await running.stop();
});

kernelTest("S20 F16 each part can be switched off, and says so", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server");
  const client = await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });

  const flows = await report(lab.host, [...OWN, "--no-sockets"]);
  expect(flows.health.sockets).toMatchObject({ state: "off", reason: "switched-off" });
  expect(flows.connections).toHaveLength(1);
  expect(flows.connections[0]).toMatchObject({
    from: { pid: null, ownerReason: "off" },
    to: { port: server.ready.port, pid: null, ownerReason: "off" },
    sources: ["conntrack"],
  });

  const anonymous = await report(lab.host, [...OWN, "--no-processes"]);
  expect(anonymous.health.sockets.attributed).toBe(0);
  expect(anonymous.connections).toHaveLength(1);
  expect(anonymous.connections[0]).toMatchObject({
    from: { pid: null, ownerReason: "off" },
    to: { pid: null, ownerReason: "off" },
    direction: { evidence: "conntrack" },
    sources: ["conntrack", "sockets"],
  });

  const sockets = await report(lab.host, [...OWN, "--no-conntrack"]);
  expect(sockets.health.conntrack).toMatchObject({ state: "off", reason: "switched-off" });
  expect(sockets.connections).toHaveLength(1);
  expect(sockets.connections[0]).toMatchObject({ from: { pid: client.pid }, sources: ["sockets"] });
});

kernelTest("/proc mounted with hidepid is named as the reason for missing processes", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server");
  await lab.host.start("tcp-client", { port: server.ready.port!, hold: true });
  const args = ["report", "--format", "json", "--window", "300ms", "--no-names", ...OWN];

  const run = await runConntrail(lab.host, args, { user: NOBODY, hidepid: true });

  const { health, connections } = parsed(run);
  expect(health.sockets).toMatchObject({ state: "degraded", reason: "hidepid" });
  expect(health.sockets.advice).toMatch(/hidepid/);
  expect(connections).toHaveLength(1);
  expect(connections[0]!.to.ownerReason).toBe("permission");
});

/** One process that talks to itself. */
const PAIR = `
  const { connect, createServer } = require("node:net");
  const server = createServer((socket) => socket.resume());
  server.listen(0, "127.0.0.1", () => {
    connect(server.address().port, "127.0.0.1", () => console.log("{}"));
  });
  process.stdin.on("end", () => process.exit(0)).resume();`;
