/** Traced processes in reports: both ends of connections that no scan can see, on one host and through NAT; and what it is to do without. */
import { readdirSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Report } from "@conntrail/report";
import { createReporter, type ReporterOptions } from "@conntrail/reporter";
import { firstValueFrom } from "rxjs";
import { describe, expect, test } from "vitest";
import { createLab, kernelTest, type LabNamespace, loopbackLab, natLab, type Program, TRACK } from "../lab/index.ts";
import { compare, truthOf } from "./truth.ts";

/** Connections of each case; CONNTRAIL_TRACE_CONNECTIONS=20000 for the whole of it. */
const CONNECTIONS = Number(process.env.CONNTRAIL_TRACE_CONNECTIONS ?? 1_000);

/**
 * Processes that call and that serve through NAT: a packet that passes three namespaces may wait for its turn in each, tens of milliseconds on a machine that is busy, and the rate is how many wait
 * at once by how long.
 */
const CALLERS = Math.max(10, Math.min(100, CONNECTIONS / 100));
const WORKERS = CALLERS / 2;

/** How many a second callers try to make. What they made is printed: on a machine that is busy it is less. */
const RATE = Number(process.env.CONNTRAIL_TRACE_RATE ?? 4_000);

const ONE_SHOTS = Math.min(500, CONNECTIONS / 10);

/** One-shot UDP clients; of a resolver's kind, 2,000 in the whole of it. */
const DATAGRAMS = CONNECTIONS / 10;

/** Whom they ask. With one address, 7 of 100 of 2,000 clients have a port that another has, too, while its flow lives: one flow to the kernel. */
const RESOLVERS = "127.0.0.1-32";

const PERL = { requires: ["perl"], timeout: 120_000 };
const file = (name: string): string => fileURLToPath(new URL(`./programs/${name}`, import.meta.url));

interface ToldEnd {
  readonly pid: number | null;
  readonly process: string | null;
  readonly evidence: string | null;
}

/** What a report said of an end, and of the connection. */
interface Told {
  readonly key: string;
  readonly netns: number;
  readonly from: ToldEnd;
  readonly to: ToldEnd;
}

/** Reports to wait for until all was told: on a machine that is busy with much else they are late. */
const PATIENCE = 120;

/** Connections to `port` that ended while `run` ran, and the last health. `run` says how many there were. */
async function reportOn(
  port: number,
  options: ReporterOptions,
  run: () => Promise<number>,
  which: "closed" | "living" = "closed",
) {
  // On a machine that is busy with much else the rings may wait for a second to be read.
  const reporter = createReporter({ intervalMs: 500, names: false, traceRing: 16 << 20, ...options });
  const told: Told[] = [];
  let trace: { state: string; reason: string | null; lost: number } | undefined;
  const take = (report: Report): void => {
    // What lives is in every report: the last one tells it.
    if (which === "living") told.length = 0;
    trace = report.health.trace;
    for (const connection of report.connections()) {
      if (connection.to.port !== port || (connection.state === "closed") !== (which === "closed")) continue;
      const end = (side: "from" | "to"): ToldEnd => {
        const { pid, process, ownerEvidence: evidence } = connection[side];
        return { pid, process, evidence };
      };
      told.push({
        key: `${connection.to.address} ${connection.from.port}`,
        netns: connection.netns ?? 0,
        from: end("from"),
        to: end("to"),
      });
    }
  };
  reporter.reports$.subscribe({ next: take, error: expect.unreachable });
  await reporter.ready;
  const count = await run();
  for (let i = 0; i < PATIENCE && told.length < count; i++)
    await firstValueFrom(reporter.reports$, { defaultValue: undefined });
  await reporter.close();
  return { told, trace };
}

async function serve(where: LabNamespace, port: number, workers: number): Promise<Program> {
  const server = where.spawn("perl", [file("serve.pl"), String(port), String(workers)]);
  await server.line((text) => text.startsWith("ready "));
  return server;
}

async function call(
  where: LabNamespace,
  address: string,
  port: number,
  processes: number,
  count = CONNECTIONS,
): Promise<Program> {
  const args = [address, port, count, RATE, processes].map(String);
  const caller = where.spawn("perl", [file("call.pl"), ...args]);
  await caller.line((text) => text === "done", 90_000);
  await caller.exited;
  console.log(`${count} connections to ${address}: ${caller.lines.find((line) => line.startsWith("rate "))} a second`);
  return caller;
}

/** By end: the processes that were told, missing ones left out. */
function pidsOf(told: readonly Told[], side: "from" | "to"): Map<string, number[]> {
  const pids = new Map<string, number[]>();
  for (const { key, [side]: end } of told) {
    if (end.pid !== null) pids.set(key, [...(pids.get(key) ?? []), end.pid]);
  }
  return pids;
}

describe("connections of a millisecond", () => {
  kernelTest(
    "F24 F29 have the client's process and the worker that served them",
    async () => {
      await using lab = await loopbackLab();
      const server = await serve(lab.host, 7_777, 4);
      let caller!: Program;
      const { told, trace } = await reportOn(7_777, {}, async () => {
        caller = await call(lab.host, "127.0.0.1-16", 7_777, 10);
        return CONNECTIONS;
      });
      await server.stop();
      const whole = { right: CONNECTIONS, missing: 0, wrong: 0 };
      expect(trace).toMatchObject({ state: "ok", lost: 0 });
      expect(compare(truthOf(caller.lines), pidsOf(told, "from"))).toEqual(whole);
      expect(compare(truthOf(server.lines), pidsOf(told, "to"))).toEqual(whole);
      expect(new Set(told.flatMap(({ from, to }) => [from.evidence, to.evidence]))).toEqual(new Set(["trace"]));
    },
    PERL,
  );

  kernelTest(
    "F31 F34 through NAT have both, each in its own namespace",
    async () => {
      await using lab = await natLab({ masquerade: false });
      const [real] = lab.real;
      // All of them go to one address and port: there is a port for each.
      await lab.client.sysctl("net.ipv4.ip_local_port_range", "1024 65535");
      const server = await serve(lab.servers[0]!, real!.port, WORKERS);
      let caller!: Program;
      const { told, trace } = await reportOn(real!.port, {}, async () => {
        caller = await call(lab.client, lab.virtual.address, lab.virtual.port, CALLERS);
        return CONNECTIONS;
      });
      await server.stop();
      expect(trace).toMatchObject({ state: "ok", lost: 0 });
      const clients = new Map(
        [...truthOf(caller.lines)].map(([key, pids]) => [key.replace(/^\S+/, real!.address), pids]),
      );
      const whole = { right: CONNECTIONS, missing: 0, wrong: 0 };
      expect(compare(clients, pidsOf(told, "from"))).toEqual(whole);
      expect(compare(truthOf(server.lines), pidsOf(told, "to"))).toEqual(whole);
    },
    PERL,
  );
});

describe("processes that connect once and end at once", () => {
  kernelTest(
    "F29 are known by pid and name",
    async () => {
      await using lab = await loopbackLab();
      const server = await serve(lab.host, 7_779, 0);
      let caller!: Program;
      const { told } = await reportOn(7_779, {}, async () => {
        caller = await call(lab.host, "127.0.0.1", 7_779, ONE_SHOTS, ONE_SHOTS);
        return ONE_SHOTS;
      });
      await server.stop();
      const truth = truthOf(caller.lines);
      expect(new Set([...truth.values()].flat()).size).toBe(ONE_SHOTS);
      expect(compare(truth, pidsOf(told, "from"))).toEqual({ right: ONE_SHOTS, missing: 0, wrong: 0 });
      expect(new Set(told.map(({ from }) => from.process))).toEqual(new Set(["one-shot"]));
    },
    PERL,
  );

  kernelTest(
    "F38 in many namespaces with the same addresses and ports are each told in its own",
    async () => {
      const names = Array.from({ length: 20 }, (_, i) => `many-${i}`);
      await using lab = await createLab(...names);
      const each = 15;
      const count = each * names.length;
      const servers: Program[] = [];
      for (const name of names) {
        await lab.ns(name).nft(TRACK);
        servers.push(await serve(lab.ns(name), 7_780, 0));
      }
      const callers: Program[] = [];
      const { told } = await reportOn(7_780, {}, async () => {
        const calls = names.map((name) => call(lab.ns(name), "127.0.0.1", 7_780, each, each));
        callers.push(...(await Promise.all(calls)));
        return count;
      });
      for (const server of servers) await server.stop();
      for (const [i, name] of names.entries()) {
        const here = told.filter(({ netns }) => netns === lab.ns(name).inode);
        const whole = { right: each, missing: 0, wrong: 0 };
        expect(compare(truthOf(callers[i]!.lines), pidsOf(here, "from"))).toEqual(whole);
        expect(compare(truthOf(servers[i]!.lines), pidsOf(here, "to"))).toEqual(whole);
      }
    },
    PERL,
  );
});

describe("datagrams of processes that send one and end", () => {
  for (const [how, connected] of [
    ["unconnected", 0],
    ["connected", 1],
  ] as const) {
    kernelTest(
      `F29 from ${how} sockets have their sender, and the server's answers theirs`,
      async () => {
        await using lab = await loopbackLab();
        // However long it takes to send them all: the first must live when the last is told.
        for (const name of ["udp_timeout", "udp_timeout_stream"])
          await lab.host.sysctl(`net.netfilter.nf_conntrack_${name}`, 600);
        const server = lab.host.spawn("perl", [file("answer.pl"), RESOLVERS, "7778"]);
        const pid = Number((await server.line((text) => text.startsWith("ready "))).slice("ready ".length));
        let asker!: Program;
        const { told, trace } = await reportOn(
          7_778,
          {},
          async () => {
            const args = [RESOLVERS, 7_778, DATAGRAMS, connected, DATAGRAMS].map(String);
            asker = lab.host.spawn("perl", [file("ask.pl"), ...args]);
            await asker.line((text) => text === "done", 60_000);
            await asker.exited;
            return truthOf(asker.lines).size;
          },
          "living",
        );
        expect(trace).toMatchObject({ state: "ok", lost: 0 });
        // A port that two processes had within seconds is one flow to the kernel, and nobody's here.
        const once = new Map([...truthOf(asker.lines)].filter(([, pids]) => pids.length === 1));
        const { right, wrong } = compare(once, pidsOf(told, "from"));
        expect({ right, wrong }).toEqual({ right: once.size, wrong: 0 });
        expect(once.size).toBeGreaterThanOrEqual(0.99 * DATAGRAMS);
        expect(new Set(told.map(({ to }) => to.pid))).toEqual(new Set([pid]));
      },
      PERL,
    );
  }
});

describe("without the trace", () => {
  test.each<{ options: ReporterOptions }>([{ options: { trace: false } }, { options: { processes: false } }])(
    "F16 no perf event is open: $options",
    async ({ options }) => {
      const before = perfEvents();
      const reporter = createReporter({ intervalMs: 0, names: false, conntrack: false, ...options });
      await reporter.ready;
      const { trace } = (await reporter.report()).health;
      expect(perfEvents()).toBe(before);
      expect(trace).toMatchObject({ state: "off", reason: "switched-off", cpus: 0 });
      await reporter.close();
    },
  );

  kernelTest("with it there are some for each processor, and none after close()", async () => {
    const before = perfEvents();
    const reporter = createReporter({ intervalMs: 0, names: false, conntrack: false });
    await reporter.ready;
    const { trace } = (await reporter.report()).health;
    expect(trace.cpus).toBeGreaterThan(0);
    // Connections, and senders of both families.
    expect((perfEvents() - before) / trace.cpus).toBe(trace.senders === "on" ? 3 : 1);
    await reporter.close();
    expect(perfEvents()).toBe(before);
  });
});

/** Perf events that this process has open. */
function perfEvents(): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[perf_event]";
    } catch {
      return false; // the folder's own descriptor
    }
  }).length;
}
