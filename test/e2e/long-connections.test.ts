/** Connections that stay open: found once each, with both processes, whenever conntrail starts. */
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { OWN, report, watch } from "./reports.ts";

for (const host of ["127.0.0.1", "::1"]) {
  kernelTest(`S2 three long connections between two processes are in the report once each (${host})`, async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server", { host });
    const client = await lab.host.start("tcp-client", { host, port: server.ready.port!, connections: 3, hold: true });

    const { connections, health } = await report(lab.host);

    expect(health.conntrack).toMatchObject({ state: "ok", reason: null, lost: 0, flows: 3 });
    expect(health.sockets).toMatchObject({ state: "ok", reason: null });
    expect(connections.map(({ from }) => from.port).sort()).toEqual([...client.ready.ports!].sort());
    for (const connection of connections) {
      expect(connection).toMatchObject({
        protocol: "tcp",
        family: host === "::1" ? "ipv6" : "ipv4",
        netns: lab.host.inode,
        from: { address: host, local: true, pid: client.pid, process: "node", ownerReason: null },
        to: {
          address: host,
          port: server.ready.port,
          local: true,
          pid: server.pid,
          process: "node",
          ownerReason: null,
        },
        direction: { evidence: "conntrack", confidence: "certain" },
        sources: ["conntrack", "sockets"],
        state: "established",
        count: 1,
        nat: null,
      });
    }
  });
}

kernelTest(
  "F20 without conntrack's word, connections older than conntrail get their direction from the listener",
  async () => {
    await using lab = await loopbackLab();
    const server = await lab.host.start("tcp-server");
    const client = await lab.host.start("tcp-client", { port: server.ready.port!, connections: 3, hold: true });

    const { connections } = await report(lab.host, [...OWN, "--no-conntrack"]);

    expect(connections).toHaveLength(3);
    for (const { from, to, direction, sources } of connections) {
      expect(from).toMatchObject({ pid: client.pid });
      expect(to).toMatchObject({ pid: server.pid, port: server.ready.port });
      expect(direction).toEqual({ evidence: "listener", confidence: "certain" });
      expect(sources).toEqual(["sockets"]);
    }
  },
);

kernelTest("F21 a listener that appears after the connection was seen corrects the edge", async () => {
  await using lab = await loopbackLab();
  const server = lab.host.spawn(process.execPath, ["-e", LATE_LISTENER]);
  const { port } = await server.json<{ port: number }>();
  const client = await lab.host.start("tcp-client", { port, hold: true });
  const [local] = client.ready.ports!;
  await server.line((line) => line === "closed");
  await using running = await watch(lab.host, [...OWN, "--no-conntrack", "--no-names"]);

  const before = await running.until(({ connections }) => connections.find(involves(local!)));
  expect(before.direction.evidence).not.toBe("listener");
  server.write("listen\n");
  const after = await running.until(({ connections }) =>
    connections.find((one) => involves(local!)(one) && one.direction.evidence === "listener"),
  );
  expect(after).toMatchObject({ from: { pid: client.pid, port: local }, to: { pid: server.pid, port } });
  const all = await running.stop();
  for (const { connections } of all) expect(connections.filter(involves(local!)).length).toBeLessThanOrEqual(1);
});

kernelTest("F22 a connection whose listener is gone is told with the weaker evidence that is left", async () => {
  await using lab = await loopbackLab();
  const server = lab.host.spawn(process.execPath, ["-e", LATE_LISTENER]);
  const { port } = await server.json<{ port: number }>();
  await lab.host.start("tcp-client", { port, hold: true });
  await server.line((line) => line === "closed");

  const { connections } = await report(lab.host, [...OWN, "--no-conntrack"]);

  expect(connections).toHaveLength(1);
  expect(connections[0]!.direction.confidence).not.toBe("certain");
});

/** True for the connections that have this port at either end. */
function involves(port: number): (connection: { from: { port: number }; to: { port: number } }) => boolean {
  return ({ from, to }) => from.port === port || to.port === port;
}

/** Accepts one connection, closes its listening socket, and listens on the same port again when a line comes in. */
const LATE_LISTENER = `
  const { createServer } = require("node:net");
  const server = createServer((socket) => { socket.resume(); server.close(); console.log("closed"); });
  let port;
  server.listen(0, "127.0.0.1", () => { port = server.address().port; console.log(JSON.stringify({ port })); });
  process.stdin.once("data", () => createServer().listen(port, "127.0.0.1"));
  process.stdin.on("end", () => process.exit(0));`;
