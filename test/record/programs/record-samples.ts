/**
 * Makes the recordings of samples/: `npx tsx test/record/programs/record-samples.ts [NAME]`, as root. Everything runs in namespaces of its
 * own (isolated.ts).
 */
import { join } from "node:path";
import { createLab, type Lab, type LabNamespace, loopbackLab, type Program, TRACK } from "../../lab/index.ts";
import { finish, REPOSITORY, record as recordInto, runIsolated, sleep } from "./isolated.ts";

const SAMPLES = join(REPOSITORY, "samples");
const SERVICE = join(import.meta.dirname, "shop-service.mjs");

const recordings: Readonly<Record<string, () => Promise<void>>> = { shop, "port-scan": portScan, burst, overrun };

await runIsolated("record-samples", async (wanted) => {
  for (const [name, make] of Object.entries(recordings)) if (wanted === undefined || wanted === name) await make();
});

/**
 * A customer, a web server, an application twice behind a virtual address, a database and a DNS server that knows them all, each in a
 * namespace of its own on a router that rewrites and records.
 *
 *     browser ─▶ web ─▶ 10.9.0.1:8080 ─┬▶ app-1 ─┬▶ database
 *                                      └▶ app-2 ─┘
 */
async function shop(): Promise<void> {
  const roles = ["browser", "web", "app-1", "app-2", "database", "dns"];
  await using lab = await createLab("router", ...roles);
  const router = lab.ns("router");
  await router.sysctl("net.ipv4.ip_forward", 1);
  for (const [i, role] of roles.entries()) {
    const near = `10.${i + 1}.0`;
    await lab.link(
      { role, device: "eth0", address: `${near}.2/24` },
      { role: "router", device: `to-${role}`, address: `${near}.1/24` },
    );
    await lab.addDefaultRoute(role, `${near}.1`);
  }
  const at = (role: string): string => lab.ns(role).address;
  const backends = `0 : ${at("app-1")}, 1 : ${at("app-2")}`;
  await router.nft(`table ip shop { chain arrive { type nat hook prerouting priority dstnat;
    ip daddr 10.9.0.1 tcp dport 8080 dnat to numgen inc mod 2 map { ${backends} }:8080; }; }`);
  const named: Readonly<Record<string, string>> = {
    ...Object.fromEntries(roles.map((role) => [`${role}.shop.example`, at(role)])),
    "app.shop.example": "10.9.0.1",
  };
  const records = Object.entries(named).map(([name, address]) => `--host-record=${name},${address}`);
  const dns = lab
    .ns("dns")
    .spawn("dnsmasq", [
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--no-resolv",
      "--no-hosts",
      "--pid-file=",
      "--user=root",
      ...records,
    ]);
  await service(lab, "database", { port: 5432 });
  for (const app of ["app-1", "app-2"]) {
    await service(lab, app, { title: "app", port: 8080, upstream: at("database"), "upstream-port": 5432, keep: true });
  }
  const nameServer = at("dns");
  await service(lab, "web", {
    port: 80,
    upstream: "app.shop.example",
    "upstream-port": 8080,
    "name-server": nameServer,
  });
  const recorder = await record(router, "shop.pcapng", "--name-server", nameServer);
  await service(lab, "browser", { upstream: at("web"), "upstream-port": 80, requests: 12, "pause-ms": 250 });
  await sleep(4000);
  await finish(recorder);
  await dns.stop();
}

/** Sixty ports of one host, of which one is open. */
async function portScan(): Promise<void> {
  await using lab = await createLab("scanner", "target");
  await lab.link(
    { role: "scanner", device: "eth0", address: "10.1.0.2/24" },
    { role: "target", device: "eth0", address: "10.1.0.3/24" },
  );
  const target = lab.ns("target");
  await target.nft(TRACK);
  await service(lab, "target", { title: "web", port: 8030 });
  const recorder = await record(target, "port-scan.pcapng", "--no-names");
  await lab.ns("scanner").start("port-scan", { host: target.address, from: 8001, count: 60, parallel: 10 });
  await sleep(1500);
  await finish(recorder);
}

/** Five hundred connections of some milliseconds each. */
async function burst(): Promise<void> {
  await using lab = await loopbackLab();
  await lab.host.start("tcp-server", { port: 8080 });
  const recorder = await record(lab.host, "burst.pcapng.gz", "--no-names");
  const client = await lab.host.start("tcp-client", { port: 8080, connections: 500, parallel: 50 });
  await client.line((line) => line.includes('"done"'));
  await sleep(1200);
  await finish(recorder);
}

/** Connections faster than a receive buffer of 32 KiB takes their events: some are lost, and a dump tells what is true. */
async function overrun(): Promise<void> {
  await using lab = await loopbackLab();
  await lab.host.start("tcp-server", { port: 8080 });
  const small = ["--receive-buffer", "4KiB", "--receive-buffer-max", "4KiB"];
  const recorder = await record(lab.host, "overrun.pcapng.gz", "--no-names", ...small);
  const client = await lab.host.start("tcp-client", { port: 8080, connections: 800, parallel: 200, "duration-ms": 1 });
  await client.line((line) => line.includes('"done"'));
  await sleep(3000);
  await finish(recorder);
}

async function service(
  lab: Lab,
  role: string,
  options: Readonly<Record<string, string | number | boolean>>,
): Promise<Program> {
  const all: typeof options = { title: role, ...options };
  const said = Object.entries(all).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, String(value)],
  );
  const program = lab.ns(role).spawn("node", [SERVICE, ...said]);
  await program.json();
  return program;
}

function record(namespace: LabNamespace, name: string, ...options: readonly string[]): Promise<Program> {
  return recordInto(namespace, join(SAMPLES, name), ...options);
}
