/** What connections end in: resets, half-closed ones, refused attempts, datagrams, and the same ends in two namespaces. */
import type { ConnectionJson } from "@conntrail/report";
import { expect } from "vitest";
import { createLab, kernelTest, loopbackLab, TRACK } from "../lab/index.ts";
import { OWN, report, toPort, watch } from "./reports.ts";

const FIRST_PORT = 20_000;
const ATTEMPTS = 50;

kernelTest("S6 F28 connections ended by RST are told as closed at once, though the kernel still has them", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("rst-closer", { "after-ms": 5 });
  const port = server.ready.port!;
  await using running = await watch(lab.host, [...OWN, "--no-names"]);
  await lab.host.start("tcp-client", { port, connections: 5, hold: true });
  await running.until((one) => toPort(one, port).some(({ state }) => state === "closed"));
  await running.until(() => true);
  const reports = await running.stop();

  const kept = await lab.host.conntrack("-p", "tcp", "--orig-port-dst", String(port));
  const ports = kept.map((line) => Number(/sport=(\d+)/.exec(line)![1]));
  expect(ports).toHaveLength(5);
  const closed = toPort(reports, port).filter(({ state }) => state === "closed");
  expect(closed.map(({ from }) => from.port).sort()).toEqual(ports.sort());
  expect(toPort(reports.at(-1)!, port).filter(({ state }) => state !== "closed")).toEqual([]);
});

kernelTest("F28 a half-closed connection is kept, as closing", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("half-closer");
  const port = server.ready.port!;
  const client = await lab.host.start("tcp-client", { port, hold: true, "half-open": true });
  await using running = await watch(lab.host, [...OWN, "--no-names"]);
  for (let i = 0; i < 4; i++) await running.until(() => true);
  const reports = (await running.stop()).slice(-3);

  for (const one of reports) {
    expect(toPort(one, port)).toMatchObject([{ state: "closing", from: { pid: client.pid }, to: { pid: server.pid } }]);
  }
});

kernelTest("S7 refused attempts are told as failed, each once", async () => {
  await using lab = await loopbackLab();
  await using running = await watch(lab.host, [...OWN, "--no-names"]);
  const scan = await lab.host.start("port-scan", { from: FIRST_PORT, count: ATTEMPTS });
  await scan.json();
  const isAttempt = ({ to }: ConnectionJson): boolean => to.port >= FIRST_PORT && to.port < FIRST_PORT + ATTEMPTS;
  let over = 0;
  await running.until(({ connections }) => {
    over += connections.filter((one) => isAttempt(one) && one.state === "failed").length;
    return over >= ATTEMPTS;
  });
  const attempts = (await running.stop()).flatMap(({ connections }) => connections.filter(isAttempt));

  const failed = attempts.filter(({ state }) => state === "failed");
  expect(failed.map(({ to }) => to.port).sort()).toEqual(Array.from({ length: ATTEMPTS }, (_, i) => FIRST_PORT + i));
  expect(attempts.filter(({ state }) => state === "established" || state === "closed")).toEqual([]);
});

for (const host of ["127.0.0.1", "::1"]) {
  kernelTest(`S5 F40 connected datagram sockets are told with both processes (${host})`, async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("udp-server", { host });
    const client = await lab.host.start("udp-client", { host, port: server.ready.port!, sockets: 2 });

    const { connections } = await report(lab.host);

    const ours = connections.filter(({ protocol }) => protocol === "udp");
    expect(ours.map(({ from }) => from.port).sort()).toEqual([...client.ready.ports!].sort());
    for (const { from, to, direction, family } of ours) {
      expect(from).toMatchObject({ address: host, pid: client.pid, process: "node" });
      expect(to).toMatchObject({ address: host, port: server.ready.port, pid: server.pid, process: "node" });
      expect(direction.evidence).toBe("conntrack");
      expect(family).toBe(host === "::1" ? "ipv6" : "ipv4");
    }
  });
}

kernelTest("S11 an IPv4 connection to a socket that serves both families is one, with IPv4 addresses", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server", { host: "::" });
  const client = await lab.host.start("tcp-client", { host: "127.0.0.1", port: server.ready.port!, hold: true });

  const { connections } = await report(lab.host);

  expect(connections).toHaveLength(1);
  expect(connections[0]).toMatchObject({
    family: "ipv4",
    from: { address: "127.0.0.1", pid: client.pid },
    to: { address: "127.0.0.1", pid: server.pid },
    sources: ["conntrack", "sockets"],
  });
});

kernelTest(
  "F38 the same loopback connection in two namespaces is two connections, each with its own processes",
  async () => {
    await using lab = await createLab("one", "other");
    const pairs = [];
    for (const namespace of lab.namespaces) {
      await namespace.nft(TRACK);
      const server = await namespace.start("tcp-server", { host: "127.0.0.1", port: 7000 });
      const client = namespace.spawn(process.execPath, ["-e", FROM_PORT_7001]);
      await client.json();
      pairs.push({ namespace, server, client });
    }

    const { connections } = await report(lab.ns("one"), []);

    for (const { namespace, server, client } of pairs) {
      const ours = connections.filter(({ netns }) => netns === namespace.inode);
      expect(ours).toHaveLength(1);
      expect(ours[0]).toMatchObject({
        from: { address: "127.0.0.1", port: 7001, pid: client.pid },
        to: { address: "127.0.0.1", port: 7000, pid: server.pid },
        sources: ["conntrack", "sockets"],
      });
    }
  },
);

kernelTest(
  "F26 of a listening socket that several processes share, the owner is the same in every report",
  async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server", { children: 3 });
    const port = server.ready.port!;
    await using running = await watch(lab.host, [...OWN, "--no-names"]);
    const client = await lab.host.start("tcp-client", { port, connections: 40, "duration-ms": 2, rate: 40 });
    await client.json();
    await running.until(() => true);
    const reports = await running.stop();

    const holders = [server.pid, ...server.ready.pids!];
    const owners = toPort(reports, port).map(({ to }) => to.pid);
    expect(owners.length).toBeGreaterThanOrEqual(40);
    for (const pid of owners) expect([...holders, null]).toContain(pid);
    const byListener = toPort(reports, port).filter(({ to }) => to.ownerReason === "listener");
    expect(new Set(byListener.map(({ to }) => to.pid)).size).toBeLessThanOrEqual(1);
  },
);

/** Connects from a port that both namespaces use. */
const FROM_PORT_7001 = `
  require("node:net").connect({ host: "127.0.0.1", port: 7000, localPort: 7001 }, () => console.log("{}"));
  process.stdin.on("end", () => process.exit(0)).resume();`;
