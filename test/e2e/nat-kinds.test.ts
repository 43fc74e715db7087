/** Translations as they occur on real hosts, by real traffic: right ends, right owners, and the process between (F70, F69, F53). */
import type { ConnectionJson, ReportJson } from "@conntrail/report";
import { expect } from "vitest";
import { createLab, kernelTest, type Lab, natLab, TRACK } from "../lab/index.ts";
import { NETWORK, OWN, report, watch } from "./reports.ts";

const ALL = ["--namespaces", "all"] as const;

kernelTest(
  "F70 hairpin: a client beside the server that calls the virtual address is told with its own address",
  async () => {
    await using lab = await natLab({ network: NETWORK });
    await lab.addNamespace("inner");
    await lab.link(
      { role: "inner", device: "eth0", address: `10.2.${NETWORK}.77/24` },
      { role: "router", device: "port77", bridge: "br0" },
    );
    await lab.addDefaultRoute("inner", `10.2.${NETWORK}.1`);
    const server = await lab.servers[0]!.start("tcp-server", { port: lab.real[0]!.port });
    const client = await lab
      .ns("inner")
      .start("tcp-client", { host: lab.virtual.address, port: lab.virtual.port, hold: true });

    const found = within(lab, await report(lab.router, ALL));

    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      from: { address: `10.2.${NETWORK}.77`, port: client.ready.ports![0], pid: client.pid },
      to: { ...lab.real[0]!, pid: server.pid },
      nat: { kind: "dnat+snat", visible: { from: { address: lab.routerAddress }, to: lab.virtual } },
    });
  },
);

kernelTest("F70 NAT66: a prefix that is translated for another one keeps the real ends", async () => {
  await using lab = await natLab({ family: "ipv6", masquerade: false, network: NETWORK });
  const group = NETWORK.toString(16);
  await lab.router.nft(`table ip6 prefix { chain leave { type nat hook postrouting priority srcnat;
    snat ip6 prefix to ip6 saddr map { fd00:1:${group}::/64 : fd00:66:${group}::/64 }; }; }`);
  const server = await lab.servers[0]!.start("tcp-server", { port: 8080 });
  const client = await lab.client.start("tcp-client", { host: lab.real[0]!.address, port: 8080, hold: true });

  const found = within(lab, await report(lab.router, ALL));

  expect(found).toHaveLength(1);
  expect(found[0]).toMatchObject({
    from: { address: lab.client.address, pid: client.pid },
    to: { address: lab.real[0]!.address, port: 8080, pid: server.pid },
    nat: { kind: "snat", visible: { from: { address: `fd00:66:${group}::2` } } },
  });
});

kernelTest("F70 a sidecar between two legs is named by both, and hides neither", async () => {
  await using lab = await pairLab(70);
  const [host, far] = [lab.ns("near"), lab.ns("far")];
  const server = await far.start("tcp-server", { port: 8080 });
  const target = { host: far.address, port: 8080 };
  const proxy = await host.start("tcp-proxy", { "to-host": target.host, "to-port": target.port, uid: 65534 });
  await host.nft(`table ip sidecar { chain out { type nat hook output priority -100;
    tcp dport 8080 meta skuid != 65534 redirect to :${proxy.ready.port}; }; }`);
  const client = await host.start("tcp-client", { ...target, hold: true });

  const found = within(lab, await report(host, ALL));

  const via = { pid: proxy.pid };
  expect(found).toHaveLength(2);
  const [first, second] = found.sort((a) => (a.from.pid === client.pid ? -1 : 1));
  expect(first).toMatchObject({
    from: { pid: client.pid },
    to: { pid: proxy.pid, port: proxy.ready.port },
    nat: { kind: "redirect", visible: { to: { address: target.host, port: target.port } } },
    via,
  });
  expect(second).toMatchObject({
    from: { pid: proxy.pid },
    to: { address: target.host, pid: server.pid },
    nat: null,
    via,
  });
});

/** Takes connections to any address, as the socket option IP_TRANSPARENT allows; Node has no way to set it. */
const TRANSPARENT = `
import socket, threading
l = socket.socket(); l.setsockopt(0, 19, 1); l.bind(("0.0.0.0", 15006)); l.listen(64); print("ready", flush=True)
def echo(c):
    try:
        while True:
            data = c.recv(4096)
            if not data: break
            c.sendall(data)
    except OSError: pass
    c.close()
while True:
    c, _ = l.accept(); threading.Thread(target=echo, args=(c,), daemon=True).start()`;

kernelTest(
  "F53 TPROXY: what a rule gives to a local proxy is on this host and has its process, long and short",
  async () => {
    await using lab = await pairLab(53);
    const [host, far] = [lab.ns("near"), lab.ns("far")];
    await lab.addDefaultRoute("far", host.address);
    await host.nft(`table ip m { chain p { type filter hook prerouting priority -150;
      iifname "eth0" tcp dport 80 tproxy to :15006 meta mark set 1 accept; }; }`);
    await host.exec("ip", ["rule", "add", "fwmark", "1", "lookup", "100"]);
    await host.exec("ip", ["route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100"]);
    const proxy = host.spawn("python3", ["-c", TRANSPARENT]);
    await proxy.line();
    const target = { host: "203.0.113.5", port: 80 };
    const client = await far.start("tcp-client", { ...target, hold: true });
    await using running = await watch(host, [...ALL, "--no-names"]);
    const short = await far.start("tcp-client", { ...target, "duration-ms": 3, connections: 3 });
    const { ports } = await short.json<{ ports: number[] }>();
    const closed = (each: ReportJson): ConnectionJson[] => within(lab, each).filter(({ state }) => state === "closed");
    const seen: ConnectionJson[] = [];
    await running.until((each) => seen.push(...closed(each)) >= ports.length, 20_000);
    const reports = await running.stop();

    const long = within(lab, reports.at(-1)!).filter(({ from }) => from.pid === client.pid);
    expect(long).toHaveLength(1);
    for (const { to, flags = [] } of [...long, ...seen]) {
      expect(to).toMatchObject({ address: target.host, port: 80, local: true, pid: proxy.pid });
      expect(flags).not.toContain("transit");
    }
    expect(seen.map(({ from }) => from.port).sort()).toEqual([...ports].sort());
  },
  { requires: ["python3"] },
);

kernelTest("F69 a VXLAN between two hosts is told as a tunnel, beside what goes through it", async () => {
  await using lab = await pairLab(69);
  const [near, far] = [lab.ns("near"), lab.ns("far")];
  for (const [own, other, inner] of [
    [near, far, "1"],
    [far, near, "2"],
  ] as const) {
    await own.exec("ip", [
      "link",
      "add",
      "vx0",
      "type",
      "vxlan",
      "id",
      "5",
      "dstport",
      "4789",
      "remote",
      other.address,
    ]);
    await own.exec("ip", ["addr", "add", `10.169.${NETWORK}.${inner}/24`, "dev", "vx0"]);
    await own.exec("ip", ["link", "set", "vx0", "up"]);
  }
  const server = await far.start("tcp-server", { port: 8080 });
  const client = await near.start("tcp-client", { host: `10.169.${NETWORK}.2`, port: 8080, hold: true });

  const found = (await report(near, OWN)).connections;

  const outer = found.filter(({ tunnel }) => tunnel === "vxlan");
  expect(outer.length).toBeGreaterThan(0);
  for (const { protocol, to } of outer) expect([protocol, to.port]).toEqual(["udp", 4789]);
  const inside = found.filter(({ to }) => to.port === 8080);
  expect(inside.map(({ from, tunnel }) => [from.pid, tunnel])).toEqual([[client.pid, undefined]]);
  expect(server.pid).toBeGreaterThan(0);
});

/** The connections of a lab's namespaces: other tests run at the same time. */
function within(lab: Lab, { connections }: ReportJson): ConnectionJson[] {
  const inodes = lab.namespaces.map(({ inode }) => inode);
  return connections.filter(({ netns }) => inodes.includes(netns!));
}

/** Two hosts on one wire, with tracking on. */
async function pairLab(third: number): Promise<Lab> {
  const lab = await createLab("near", "far");
  await lab.link(
    { role: "near", device: "eth0", address: `10.${NETWORK}.${third}.1/24` },
    { role: "far", device: "eth0", address: `10.${NETWORK}.${third}.2/24` },
  );
  for (const namespace of lab.namespaces) {
    await namespace.nft(TRACK);
    await namespace.sysctl("net.ipv4.ip_forward", 1);
  }
  return lab;
}
