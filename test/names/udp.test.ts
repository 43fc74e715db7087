/** The resolver on real sockets: servers on loopback, our own and Debian's dnsmasq. */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseAddress } from "@conntrail/model";
import { createResolver, type Resolver, type ResolverOptions } from "@conntrail/names";
import { expect, onTestFinished, test } from "vitest";
import { findTool, KERNEL_SKIP, toolObstacle } from "../lab/kernel.ts";
import { RCODE, writeAnswer } from "./dns-bytes.ts";
import { nthAddress } from "./scripted.ts";
import { udpServer } from "./udp-server.ts";

/** For a machine that is busy with other things. */
const PATIENTLY = { timeout: 15_000 };

function resolverFor(server: string, options: Partial<ResolverOptions> = {}): Resolver {
  const resolver = createResolver({ servers: [server], hostsFile: "/nonexistent", debounceMs: 5, ...options });
  onTestFinished(() => resolver.close());
  return resolver;
}

const look = (resolver: Resolver, address: string): readonly string[] | undefined =>
  resolver.get(parseAddress(address)!, 0);

for (const { address, host } of [
  { address: "127.0.0.1", host: "10.0.0.9" },
  { address: "::1", host: "2001:db8::9" },
]) {
  test(`F42 a server at ${address} gives the name of ${host}; all questions come from one port, which is told`, async ({
    skip,
  }) => {
    const dns = await udpServer(
      (question) => [writeAnswer(question, { answers: [{ ptr: "nine.test.", ttl: 60 }] })],
      address,
    );
    if (dns === undefined) return skip(`this machine has no ${address}`);
    const resolver = resolverFor(dns.server);
    expect(look(resolver, host)).toBeUndefined();
    expect(resolver.ownPorts()).toEqual([]); // nothing is opened before it is needed
    await expect.poll(() => look(resolver, host), PATIENTLY).toEqual(["nine.test"]);
    for (let n = 0; n < 5; n++) look(resolver, nthAddress(n));
    await expect.poll(() => resolver.health().pending, PATIENTLY).toBe(0);
    expect(dns.asked).toHaveLength(6);
    expect([...new Set(dns.asked.map(({ fromPort }) => fromPort))]).toEqual(resolver.ownPorts());
    await resolver.close();
    expect(resolver.ownPorts()).toEqual([]);
  });
}

test("a server that says NXDOMAIN is well, and the address has no name", async () => {
  const dns = await udpServer((question) => [writeAnswer(question, { rcode: RCODE.nxDomain })]);
  const resolver = resolverFor(dns!.server);
  look(resolver, "10.0.0.9");
  await expect.poll(() => resolver.health().lookups, PATIENTLY).toBe(1);
  expect(resolver.health()).toMatchObject({ state: "ok", failures: 0, cached: 1 });
});

test("a port where nobody listens is noticed at once, not after a timeout", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  const resolver = resolverFor(`127.0.0.1:${port}`, {
    attempts: 3,
    attemptTimeoutMs: 60_000,
    lookupDeadlineMs: 60_000,
  });
  look(resolver, "10.0.0.9");
  await expect.poll(() => resolver.health(), PATIENTLY).toMatchObject({ unreachable: 3, failures: 1, timeouts: 0 });
});

test("garbage, cut and forged answers are counted, and the true answer after them is taken", async () => {
  const dns = await udpServer((question) => {
    const answers = [{ ptr: "true.test", ttl: 60 }];
    const forged = [{ ptr: "forged.test", ttl: 60 }];
    return [
      Uint8Array.of(1, 2, 3),
      writeAnswer({ ...question, id: question.id ^ 1 }, { answers: forged }),
      writeAnswer({ ...question, name: `x.${question.name}` }, { answers: forged }),
      writeAnswer(question, { answers }),
    ];
  });
  const resolver = resolverFor(dns!.server);
  look(resolver, "10.0.0.9");
  await expect.poll(() => look(resolver, "10.0.0.9"), PATIENTLY).toEqual(["true.test"]);
  expect(resolver.health()).toMatchObject({ malformed: 1, unexpected: 2, failures: 0 });
});

test("S15 F41 with a server that never answers no look waits, and the questions stay within the limit", async () => {
  const dns = await udpServer(() => []);
  const resolver = resolverFor(dns!.server, { attemptTimeoutMs: 200, lookupDeadlineMs: 400 });
  const words = new Uint32Array(4 * 2_000);
  for (let n = 0; n < 2_000; n++) words.set(parseAddress(nthAddress(n))!, n * 4);
  const began = performance.now();
  const roundsMs: number[] = [];
  while (performance.now() - began < 2_500) {
    const before = performance.now();
    for (let n = 0; n < 2_000; n++) resolver.get(words, n * 4);
    roundsMs.push(performance.now() - before);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const seconds = (performance.now() - began) / 1_000;
  expect(roundsMs.sort((a, b) => a - b)[roundsMs.length >> 1]).toBeLessThan(50); // 2,000 looks: shorter than one wait
  expect(dns!.asked.length).toBeGreaterThanOrEqual(5);
  expect(dns!.asked.length).toBeLessThanOrEqual(10 * (seconds + 1));
  expect(resolver.health()).toMatchObject({ state: "degraded", reason: "timeouts" });
});

test("close() with questions open leaves no socket behind", async () => {
  const dns = await udpServer(() => []);
  const resolver = resolverFor(dns!.server);
  look(resolver, "10.0.0.9");
  await expect.poll(() => dns!.asked.length, PATIENTLY).toBe(1);
  const [port] = resolver.ownPorts();
  expect(boundPorts()).toContain(port);
  await resolver.close();
  expect(boundPorts()).not.toContain(port);
});

test("a resolver that nobody closed does not keep its process alive", async () => {
  const dns = await udpServer(() => []);
  const program = fileURLToPath(new URL("./programs/forgets-to-close.js", import.meta.url));
  const child = spawn(process.execPath, [program, dns!.server], { stdio: "inherit" });
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(dns!.asked).toHaveLength(1);
});

test("Debian's dnsmasq gives the names of IPv4 and IPv6 addresses", async ({ skip }) => {
  const missing = toolObstacle(["dnsmasq"]);
  if (missing !== undefined) return skip(KERNEL_SKIP + missing);
  const port = await freePort();
  const records = ["--host-record=web.test,10.0.0.9,2001:db8::9", "--host-record=db.test,10.0.0.10", "--local=/arpa/"];
  const place = [
    `--port=${port}`,
    "--listen-address=127.0.0.1",
    "--bind-interfaces",
    ...(process.getuid?.() === 0 ? ["--user=root"] : []),
  ];
  const fixed = ["--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file="];
  const dnsmasq = spawn(findTool("dnsmasq")!, [...fixed, ...place, ...records], { stdio: "ignore" });
  onTestFinished(() => void dnsmasq.kill());
  const resolver = resolverFor(`127.0.0.1:${port}`, { failureTtlMs: 100 });
  const all = (): unknown =>
    ["10.0.0.9", "2001:db8::9", "10.0.0.10", "10.0.0.11"].map((address) => look(resolver, address));
  await expect.poll(all, PATIENTLY).toEqual([["web.test"], ["web.test"], ["db.test"], undefined]);
  await expect.poll(() => resolver.health(), PATIENTLY).toMatchObject({ pending: 0, malformed: 0, unexpected: 0 });
});

/** The UDP ports bound in this network namespace (proc_net_udp, proc(5)): column 2 is address:port in hexadecimal. */
function boundPorts(): number[] {
  const lines = readFileSync("/proc/self/net/udp", "utf8").trim().split("\n").slice(1);
  return lines.map((line) => Number.parseInt(line.trim().split(/\s+/)[1]!.split(":")[1]!, 16));
}

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
