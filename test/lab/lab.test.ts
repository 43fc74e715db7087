/** The lab keeps what it promises: addresses are rewritten, connections are tracked where asked, and nothing is left behind. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { mustRun } from "./command.ts";
import {
  blackHoleDnsIn,
  dnsmasqIn,
  kernelTest,
  type LabNamespace,
  loopbackLab,
  NOBODY,
  natLab,
  nodeDnsIn,
  Program,
  plainLab,
  runConntrail,
  startConntrail,
} from "./index.ts";
import { sweepStale } from "./lab.ts";

for (const family of ["ipv4", "ipv6"] as const) {
  kernelTest(
    `a connection to the virtual address reaches the real server, and the router tracks it (${family})`,
    async () => {
      await using lab = await natLab({ family });
      const { virtual, real, client, router } = lab;
      await lab.servers[0]!.start("tcp-server", { port: real[0]!.port });
      const { ready } = await client.start("tcp-client", { host: virtual.address, port: virtual.port, hold: true });

      const tracked = await router.conntrack("-p", "tcp", "-f", family);

      expect(tracked).toHaveLength(1);
      expect(tracked[0]).toContain(
        `src=${client.address} dst=${virtual.address} sport=${ready.ports![0]} dport=${virtual.port} `,
      );
      expect(tracked[0]).toContain(`src=${real[0]!.address} dst=${lab.routerAddress} sport=${real[0]!.port} `);
      expect(await client.conntrack("-f", family)).toEqual([]);
    },
  );
}

kernelTest("backends behind one virtual address are taken in turn, for UDP as for TCP", async () => {
  await using lab = await natLab({ backends: 2, track: "all", masquerade: false });
  for (const [i, server] of lab.servers.entries()) await server.start("udp-server", { port: lab.real[i]!.port });
  const { address: host, port } = lab.virtual;
  await lab.client.start("udp-client", { host, port, sockets: 4 });

  for (const server of lab.servers) {
    const seen = await server.conntrack("-p", "udp");
    expect(seen).toHaveLength(2);
    for (const line of seen) expect(line).toContain(`src=${lab.client.address} dst=${server.address} `);
  }
});

kernelTest("everything is gone after dispose: namespaces, programs and their children", async () => {
  const names: string[] = [];
  const pids: number[] = [];
  {
    await using lab = await loopbackLab();
    names.push(...lab.namespaces.map(({ name }) => name));
    const server = await lab.host.start("tcp-server", { children: 2 });
    expect(server.pid).toBe(server.ready.pid);
    pids.push(server.pid, ...server.ready.pids!);
    expect(pids.filter(isRunning)).toEqual(pids);
  }

  expect(readdirSync("/run/netns").filter((name) => names.includes(name))).toEqual([]);
  expect(pids.filter(isRunning)).toEqual([]);
});

kernelTest("a lab whose process died is swept by the next one", async () => {
  const dead = new Program("true", []);
  await dead.exited;
  const stale = `ct-${dead.pid}-1-host`;
  await mustRun("ip", ["netns", "add", stale]);

  await sweepStale();

  expect(existsSync(`/run/netns/${stale}`)).toBe(false);
});

kernelTest("two thousand short connections are all made, each from a port of its own", async () => {
  await using lab = await loopbackLab();
  // On loopback the kernel gives a port out again after a second of TIME_WAIT.
  await lab.host.sysctl("net.ipv4.tcp_tw_reuse", 0);
  const { ready } = await lab.host.start("tcp-server");
  const client = await lab.host.start("tcp-client", {
    port: ready.port!,
    connections: 2000,
    "duration-ms": 3,
    rate: 2000,
  });
  const result = await client.json<{ ports: number[]; failed: number }>(20_000);

  expect(result.failed).toBe(0);
  expect(new Set(result.ports).size).toBe(2000);
  expect((await lab.host.conntrack("-p", "tcp")).length).toBeGreaterThanOrEqual(2000);
});

kernelTest("resets, half-closed connections and refused attempts leave the state they are named for", async () => {
  await using lab = await loopbackLab();
  const { host } = lab;
  const resetting = await host.start("rst-closer");
  await host.start("tcp-client", { port: resetting.ready.port!, hold: true });
  const closing = await host.start("half-closer");
  await host.start("tcp-client", { port: closing.ready.port!, hold: true, "half-open": true });
  const scan = await host.start("port-scan", { count: 20 });

  expect(await scan.json()).toMatchObject({ refused: 20 });
  await expect.poll(() => stateOf(host, resetting.ready.port!)).toEqual(["CLOSE"]);
  await expect.poll(() => stateOf(host, closing.ready.port!)).toEqual(["CLOSE_WAIT"]);
});

kernelTest("without a rule that refers to ct, nothing is tracked", async () => {
  await using lab = await plainLab();
  const { ready } = await lab.host.start("tcp-server");
  await lab.host.start("tcp-client", { port: ready.port!, hold: true });
  expect(await lab.host.conntrack()).toEqual([]);
});

kernelTest("the DNS server of our own answers PTR, and the black hole counts and stays silent", async () => {
  await using lab = await loopbackLab();
  const records = { "10.2.0.2": ["web.lab"], "fd00:2::2": ["web6.lab"] };
  const dns = await nodeDnsIn(lab.host, records);
  const hole = await blackHoleDnsIn(lab.host, { port: 5353 });

  expect(await ask(lab.host, dns.port, "10.2.0.2")).toBe("web.lab");
  expect(await ask(lab.host, dns.port, "fd00:2::2")).toBe("web6.lab");
  expect(await ask(lab.host, dns.port, "10.2.0.3")).toBe("ENOTFOUND");
  expect(await ask(lab.host, hole.port, "10.2.0.2")).toMatch(/^E/);
  expect(dns.queries()).toBe(3);
  expect(hole.queries()).toBeGreaterThan(0);
});

kernelTest(
  "dnsmasq answers PTR",
  async () => {
    await using lab = await loopbackLab();
    const dns = await dnsmasqIn(lab.host, { "10.2.0.2": ["web.lab"] });
    expect(await ask(lab.host, dns.port, "10.2.0.2")).toBe("web.lab");
    await expect.poll(() => dns.queries()).toBe(1);
  },
  { requires: ["dnsmasq"] },
);

kernelTest("the command can be run as nobody, inside a namespace, and the pid is its own", async () => {
  await using lab = await plainLab();
  const script = "console.log(process.getuid(), process.pid, fs.readlinkSync('/proc/self/ns/net'))";
  const options = { user: NOBODY, nodeArgs: ["-e", script] };
  const { stdout, code, stderr } = await runConntrail(lab.host, [], options);

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(new RegExp(`^${NOBODY} \\d+ net:\\[${lab.host.inode}\\]\n$`));
  const running = startConntrail(lab.host, [], options);
  expect(await running.line()).toContain(` ${running.pid} `);
});

/** True while the process runs; an orphan that nobody has waited for yet does not (state Z, proc_pid_stat(5)). */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Asks for a reverse name from inside the namespace, through node's own resolver: a name, or the error's code. */
async function ask(namespace: LabNamespace, port: number, address: string): Promise<string> {
  const script = `
    const resolver = new (require("node:dns").promises.Resolver)({ timeout: 300, tries: 1 });
    resolver.setServers(["127.0.0.1:${port}"]);
    resolver.reverse("${address}").then((names) => console.log(names[0]), (error) => console.log(error.code));`;
  return (await namespace.exec(process.execPath, ["-e", script])).trim();
}

/** conntrack's TCP states of the connections to a port. */
async function stateOf(namespace: LabNamespace, port: number): Promise<string[]> {
  const lines = await namespace.conntrack("-p", "tcp", "--orig-port-dst", String(port));
  return lines.map((line) => line.split(/\s+/)[3]!);
}
