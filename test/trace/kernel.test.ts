/** The trace on a real kernel: who connected and who closed, against what the programs themselves tell. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TRACE_ROLE } from "@conntrail/model";
import type { openTracer } from "@conntrail/trace";
import { describe, expect } from "vitest";
import { createLab, kernelTest, type LabNamespace, type Program, plainLab } from "../lab/index.ts";
import { compare, truthOf, Watch } from "./truth.ts";

/** Connections of the long cases; CONNTRAIL_TRACE_CONNECTIONS=20000 for the whole of it. */
const CONNECTIONS = Number(process.env.CONNTRAIL_TRACE_CONNECTIONS ?? 2_000);
const ONE_SHOTS = Math.min(500, CONNECTIONS / 10);

const program = (name: string): string => fileURLToPath(new URL(`./programs/${name}`, import.meta.url));
const PERL = { requires: ["perl"] };

async function serve(where: LabNamespace, workers = 0): Promise<Program & { readonly port: number }> {
  const server = where.spawn("perl", [program("serve.pl"), "0", String(workers)]);
  const line = await server.line((text) => text.startsWith("ready "));
  return Object.assign(server, { port: Number(line.slice("ready ".length)) });
}

async function call(where: LabNamespace, port: number, count: number, rate: number, processes: number) {
  const caller = where.spawn("perl", [
    program("call.pl"),
    "127.0.0.1-16",
    ...[port, count, rate, processes].map((number) => String(number)),
  ]);
  await caller.line((text) => text === "done", 60_000);
  await caller.exited;
  return truthOf(caller.lines);
}

/** Runs clients against a server while a tracer watches, and compares both ends. */
async function watchCalls(how: {
  count: number;
  rate?: number;
  processes?: number;
  workers?: number;
  ringBytes?: number;
}) {
  await using lab = await plainLab();
  const { host } = lab;
  const server = await serve(host, how.workers);
  using watch = new Watch(how.ringBytes === undefined ? {} : { ringBytes: how.ringBytes });
  const clients = await call(host, server.port, how.count, how.rate ?? 0, how.processes ?? 1);
  await server.stop();
  watch.read();
  return {
    clients,
    servers: truthOf(server.lines),
    opened: compare(clients, watch.by(TRACE_ROLE.opened, host.inode, server.port)),
    closed: compare(truthOf(server.lines), watch.by(TRACE_ROLE.closed, host.inode, server.port)),
    names: new Set(watch.facts.filter(({ remotePort }) => remotePort === server.port).map((fact) => fact.process)),
    health: watch.tracer.health,
  };
}

describe("connections that are gone before any scan", () => {
  kernelTest(
    "have the process at both ends, and no wrong one",
    async () => {
      const { opened, closed, health } = await watchCalls({ count: CONNECTIONS });
      expect(health).toMatchObject({ state: "ok", lost: 0, undecodable: 0 });
      expect(opened).toEqual({ right: CONNECTIONS, missing: 0, wrong: 0 });
      expect(closed).toEqual({ right: CONNECTIONS, missing: 0, wrong: 0 });
    },
    { ...PERL, timeout: 120_000 },
  );

  kernelTest(
    "F24 F29 of processes that connect once and end at once are known by pid and name",
    async () => {
      const { clients, opened, names } = await watchCalls({ count: ONE_SHOTS, processes: ONE_SHOTS });
      expect(new Set([...clients.values()].flat()).size).toBe(ONE_SHOTS);
      expect(opened).toEqual({ right: ONE_SHOTS, missing: 0, wrong: 0 });
      expect([...names]).toEqual(["one-shot"]);
    },
    { ...PERL, timeout: 120_000 },
  );

  kernelTest(
    "F26 of a forking server name the worker that served them",
    async () => {
      const count = CONNECTIONS / 2;
      const { servers, closed } = await watchCalls({ count, processes: 4, workers: 4 });
      expect(new Set([...servers.values()].flat()).size).toBeGreaterThan(1);
      expect(closed).toEqual({ right: count, missing: 0, wrong: 0 });
    },
    { ...PERL, timeout: 120_000 },
  );
});

kernelTest(
  "F30 rings that are too small lose events, say so, and blame nobody wrongly",
  async () => {
    const count = CONNECTIONS / 2;
    const { opened, closed, health } = await watchCalls({ count, processes: 20, workers: 4, ringBytes: 8_192 });
    expect(health).toMatchObject({ state: "degraded", reason: "events-lost", ringBytes: 8_192 });
    expect(health.advice).toContain("8 KiB");
    expect(health.lost).toBeGreaterThan(0);
    expect(opened.missing + closed.missing).toBeGreaterThan(0);
    expect([opened.wrong, closed.wrong]).toEqual([0, 0]);
  },
  { ...PERL, timeout: 120_000 },
);

kernelTest(
  "a process that moves to another namespace between two connections is in each where it was",
  async () => {
    await using lab = await createLab("first", "second");
    const [first, second] = [lab.ns("first"), lab.ns("second")];
    const servers = [await serve(first), await serve(second)];
    using watch = new Watch();
    const then = `exec 3<>/dev/tcp/127.0.0.1/${servers[1]!.port}; echo pid $$`;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${servers[0]!.port}; exec 3>&-; exec nsenter --net=${second.path} bash -c '${then}'`;
    const output = await first.exec("bash", ["-c", script]);
    watch.read();
    const pid = Number(/pid (\d+)/.exec(output)![1]);
    const opened = watch.facts.filter((fact) => fact.role === TRACE_ROLE.opened && fact.pid === pid);
    expect(opened.map(({ netns, remotePort, process }) => [netns, remotePort, process])).toEqual([
      [first.inode, servers[0]!.port, "bash"],
      [second.inode, servers[1]!.port, "bash"],
    ]);
    expect(new Set(opened.map(({ startTicks }) => startTicks)).size).toBe(1);
  },
  PERL,
);

kernelTest(
  "connections of threads are their process's",
  async () => {
    await using lab = await plainLab();
    const server = await serve(lab.host);
    using watch = new Watch();
    const run = lab.host.spawn(process.execPath, [program("threads.mjs"), String(server.port), "4", "25"]);
    const { pid, ports } = await run.json<{ pid: number; ports: number[] }>();
    await run.exited;
    watch.read();
    const opened = watch.by(TRACE_ROLE.opened, lab.host.inode, server.port);
    expect(compare(new Map(ports.map((port) => [`127.0.0.1 ${port}`, [pid]])), opened)).toEqual({
      right: 100,
      missing: 0,
      wrong: 0,
    });
  },
  PERL,
);

kernelTest(
  "processors that come and go are listened to while they run",
  async () => {
    await using lab = await plainLab();
    const server = await serve(lab.host);
    let cpus = [0];
    let clockNs = 0;
    const began = process.hrtime.bigint();
    const nowNs = (): number => Number(process.hrtime.bigint() - began) + Number(began) + clockNs;
    using watch = new Watch({ cpus: () => cpus, nowNs });
    expect(watch.tracer.health.cpus).toBe(1);
    cpus = [0, 1];
    clockNs += 2e9;
    watch.read();
    expect(watch.tracer.health).toMatchObject({ state: "ok", cpus: 2 });
    cpus = [1];
    clockNs += 2e9;
    watch.read();
    expect(watch.tracer.health).toMatchObject({ state: "ok", cpus: 1 });
    expect(server.running).toBe(true);
  },
  PERL,
);

kernelTest("without the right to trace it says what would help, and goes on without", async () => {
  const script = `
    const { openTracer } = await import(${JSON.stringify(new URL("../../packages/trace/dist/index.js", import.meta.url).href)});
    const tracer = openTracer();
    console.log(JSON.stringify({ ...tracer.drain(), rows: 0 }));
    tracer.close();`;
  const run = (command: string, args: readonly string[]) => {
    const { stdout, stderr } = spawnSync(command, [...args, process.execPath, "--input-type=module", "-e", script], {
      encoding: "utf8",
    });
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as ReturnType<ReturnType<typeof openTracer>["drain"]>;
  };
  const nobody = run("setpriv", ["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
  expect(nobody).toMatchObject({ count: 0, health: { state: "off", reason: "not-permitted", cpus: 0 } });
  expect(nobody.health.advice).toContain("CAP_PERFMON");
  const container = run("unshare", ["--user", "--map-root-user"]);
  expect(container.health).toMatchObject({ state: "off", reason: "not-permitted" });
  expect(container.health.advice).toContain("user namespace");
});

kernelTest(
  "killed with -9 it leaves nothing behind: no event, not in a child that lives on either, no mount, no instance of tracefs",
  async () => {
    const before = tracefsState();
    await using lab = await plainLab();
    const victim = lab.host.spawn(process.execPath, [program("killed.mjs")]);
    const { pid, child, cpus } = await victim.json<{ pid: number; child: number; cpus: number }>();
    try {
      expect(perfEventsOf(pid)).toBeGreaterThanOrEqual(cpus);
      process.kill(pid, "SIGKILL");
      await victim.exited;
      expect(existsSync(`/proc/${pid}`)).toBe(false);
      expect(perfEventsOf(child)).toBe(0);
    } finally {
      process.kill(child, "SIGKILL");
    }
    expect(tracefsState()).toEqual(before);
  },
);

/** Perf events that a process has open. */
function perfEventsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes("[perf_event]");
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** Where tracefs is mounted, and what would go on tracing without anybody: instances, events that are switched on, probes. */
function tracefsState(): { readonly mounts: readonly string[]; readonly left: string } {
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => line.split(" ")[2] === "tracefs");
  const folder = mkdtempSync(join(tmpdir(), "conntrail-tracefs-"));
  const show = 'mount -t tracefs none "$0" && ls "$0/instances" && cat "$0/set_event" "$0/dynamic_events"';
  const [command, ...args] = ["unshare", "--mount", "sh", "-c", show, folder] as const;
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  rmdirSync(folder);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return { mounts, left: stdout };
}
