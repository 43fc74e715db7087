/** What leaves the kernel: the policy as a filter on the socket, counted by what arrives. */
import { FLOW_FLAG } from "@conntrail/model";
import { expect } from "vitest";
import { kernelTest, loopbackLab } from "../lab/index.ts";
import { Follower } from "./follower.ts";

const CONNECTIONS = 50;

kernelTest(
  "S5 of the seven events of a connection closed by FIN five leave the kernel, and its states are told",
  async () => {
    await using lab = await loopbackLab();
    const everything = lab.host.spawn("conntrack", ["-E"]);
    const { ready } = await lab.host.start("tcp-server");
    const follower = await Follower.start(lab.host);
    await follower.ready();
    const client = await lab.host.start("tcp-client", {
      host: "127.0.0.1",
      port: ready.port!,
      connections: CONNECTIONS,
    });
    await client.exited;
    await follower.until(({ closed }) => closed === CONNECTIONS);
    await lab.host.tryExec("conntrack", ["-F"]);
    const { health } = await follower.until((state) => state.health.flows === 0);
    expect(health.events).toEqual({ new: CONNECTIONS, update: 3 * CONNECTIONS, destroy: CONNECTIONS });
    expect(health.undecodable).toBe(0);
    const all = everything.lines.filter((line) => / tcp +6/.test(line)).length;
    expect(all).toBeGreaterThanOrEqual(6 * CONNECTIONS);
    expect((5 * CONNECTIONS) / all).toBeLessThan(0.85);
  },
);

kernelTest(
  "F7 S5 name lookups are counted by client and server, never fill the table, and send one event each",
  async () => {
    await using lab = await loopbackLab();
    await lab.host.start("udp-server", { host: "127.0.0.1", port: 53 });
    const follower = await Follower.start(lab.host);
    await follower.ready();
    await lab.host.start("udp-client", { host: "127.0.0.1", port: 53, sockets: 40, count: 1 });
    const { health } = await follower.until(({ closed }) => closed === 40);
    expect(health.events).toEqual({ new: 0, update: 40, destroy: 0 });
    expect(health.flows).toBe(0);
    for (const row of await follower.ended()) {
      expect(row.flow).toBe("17 127.0.0.1:0 127.0.0.1:53");
      expect(row.flags & (FLOW_FLAG.aggregated | FLOW_FLAG.replied)).toBe(FLOW_FLAG.aggregated | FLOW_FLAG.replied);
    }
    // A lookup that nobody answers is counted when the kernel gives up on it.
    await lab.host.start("udp-client", { host: "127.0.0.9", port: 53, sockets: 3, count: 1, oneWay: true });
    await lab.host.tryExec("conntrack", ["-D", "-p", "udp", "-d", "127.0.0.9"]);
    await follower.until(({ closed }) => closed === 43);
    const [last] = (await follower.ended()).slice(-1);
    expect(last).toMatchObject({ flow: "17 127.0.0.1:0 127.0.0.9:53", count: 3 });
    expect(last!.flags & FLOW_FLAG.replied).toBe(0);
  },
);

kernelTest("S5 UDP services are followed one by one, multicast is not, and ICMP when it is asked for", async () => {
  await using lab = await loopbackLab();
  const usual = await Follower.start(lab.host);
  const icmp = await Follower.start(lab.host, { protocols: ["icmp"] });
  const all = await Follower.start(lab.host, { protocols: "all", multicast: true, aggregateUdpPorts: [] });
  for (const follower of [usual, icmp, all]) await follower.ready();
  const udp = (destination: string, port: number) => [
    "-I",
    "-p",
    "udp",
    "-s",
    "10.0.0.1",
    "-d",
    destination,
    "--sport",
    "5",
    "--dport",
    String(port),
    "-t",
    "60",
  ];
  await lab.host.exec("conntrack", udp("10.0.0.2", 123));
  await lab.host.exec("conntrack", udp("10.0.0.2", 53));
  await lab.host.exec("conntrack", udp("224.0.0.251", 5353));
  await lab.host.exec("conntrack", udp("255.255.255.255", 67));
  const ping = ["--icmp-type", "8", "--icmp-code", "0", "--icmp-id", "77"];
  await lab.host.exec("conntrack", ["-I", "-p", "icmp", "-s", "10.0.0.1", "-d", "10.0.0.2", ...ping, "-t", "60"]);
  // Each follower reads at its own pace, its events in order: what it is waited for comes last.
  await lab.host.exec("conntrack", udp("10.0.0.2", 124));
  await all.until(({ live }) => live === 6);
  await icmp.until(({ live }) => live === 1);
  await usual.until(({ live }) => live === 2);
  expect(await usual.flows()).toEqual(["17 10.0.0.1:5 10.0.0.2:123 0", "17 10.0.0.1:5 10.0.0.2:124 0"]);
  expect(await icmp.flows()).toEqual(["1 10.0.0.1:77 10.0.0.2:2048 0"]);
  expect((await usual.state()).health.events).toEqual({ new: 2, update: 0, destroy: 0 });
  expect((await icmp.state()).health.events).toEqual({ new: 1, update: 0, destroy: 0 });
  // The first dump keeps to the same policy as the events.
  const later = await Follower.start(lab.host);
  await later.ready();
  expect(await later.flows()).toEqual(["17 10.0.0.1:5 10.0.0.2:123 0", "17 10.0.0.1:5 10.0.0.2:124 0"]);
});
