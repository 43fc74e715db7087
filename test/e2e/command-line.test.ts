/** The command as its users meet it: pipes that close, signals, wrong words, help. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { ReportJson } from "@conntrail/report";
import { expect, test } from "vitest";
import { kernelTest, loopbackLab, type Program, plainLab, runConntrail, startConntrail } from "../lab/index.ts";
import { OWN, toPort, watch } from "./reports.ts";

kernelTest("a reader that closes early, as `| head -1` does, ends watch quietly", async () => {
  await using lab = await loopbackLab();
  const command = startConntrail(lab.host, ["watch", "--format", "ndjson", "--interval", "200ms", ...OWN]);
  expect(JSON.parse(await command.line())).toMatchObject({ schema: "conntrail.report/1", sequence: 1 });
  command.closeOutput();

  expect(await ended(command, 5000)).toEqual({ code: 0, signal: null });
  expect(command.stderr).toBe("");
});

kernelTest("a reader that is gone before the report comes ends report quietly", async () => {
  await using lab = await loopbackLab();
  const command = startConntrail(lab.host, ["report", "--format", "json", "--window", "500ms", ...OWN]);
  command.closeOutput();

  expect(await ended(command, 15_000)).toEqual({ code: 0, signal: null });
  expect(command.stderr).toBe("");
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  kernelTest(
    `N24 ${signal} to watch flushes the last report and leaves nothing behind within two seconds`,
    async () => {
      await using lab = await loopbackLab();
      const server = await lab.host.start("tcp-server");
      await using running = await watch(lab.host, [...OWN, "--no-names"], "2s");
      expect(netlinkSockets(lab.host.inode).length).toBeGreaterThan(0);
      const client = await lab.host.start("tcp-client", { port: server.ready.port!, connections: 5, "duration-ms": 1 });
      const { ports } = await client.json<{ ports: number[] }>();
      const told = running.program.lines.length;
      const began = performance.now();
      running.program.signal(signal);

      expect(await ended(running.program, 5000)).toEqual({ code: 0, signal: null });
      expect(performance.now() - began).toBeLessThan(GONE_MS);
      const reports = running.program.lines.map((line) => JSON.parse(line) as ReportJson);
      expect(reports.length).toBeGreaterThan(told);
      const closed = toPort(reports, server.ready.port!).filter(({ state }) => state === "closed");
      expect(closed.map(({ from }) => from.port).sort()).toEqual([...ports].sort());
      expect(netlinkSockets(lab.host.inode)).toEqual([]);
    },
  );
}

kernelTest("SIGTERM during the window prints what report has seen so far", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server");
  const command = startConntrail(lab.host, ["report", "--format", "json", "--window", "1h", ...OWN]);
  await expect.poll(() => netlinkSockets(lab.host.inode).length, { timeout: 15_000 }).toBeGreaterThan(0);
  const began = performance.now();
  command.signal("SIGTERM");

  expect(await ended(command, 5000)).toEqual({ code: 0, signal: null });
  expect(performance.now() - began).toBeLessThan(GONE_MS);
  expect(JSON.parse(command.lines.join("\n"))).toMatchObject({ schema: "conntrail.report/1" });
  expect(netlinkSockets(lab.host.inode)).toEqual([]);
  expect(server.running).toBe(true);
});

kernelTest("F10 kill -9 leaves no child, no thread and no socket", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server");
  await using running = await watch(lab.host);
  const { pid } = running.program;
  expect(childrenOf(pid)).toEqual([]);
  expect(netlinkSockets(lab.host.inode).length).toBeGreaterThan(0);
  running.program.signal("SIGKILL");

  expect(await ended(running.program, 5000)).toEqual({ code: null, signal: "SIGKILL" });
  // Another watcher of this machine may hold a copy of a socket for as long as it asks where that is (pidfd_getfd(2), F52).
  await expect.poll(() => netlinkSockets(lab.host.inode), { timeout: 5000 }).toEqual([]);
  expect(processesIn(lab.host.inode)).toEqual([server.pid]);
});

kernelTest("watch --changes prints a line for what lives, then one each for what opens and ends", async () => {
  await using lab = await loopbackLab();
  const server = await lab.host.start("tcp-server");
  const port = server.ready.port!;
  await lab.host.start("tcp-client", { port, connections: 1, hold: true });
  const filter = `to.port == ${port}`;
  const command = startConntrail(lab.host, ["watch", "--changes", "--no-names", "--filter", filter, ...OWN]);
  const next = async (change: string): Promise<Record<string, unknown>> =>
    JSON.parse(await command.line((line) => (JSON.parse(line) as { change: string }).change === change, 25_000));
  expect(await next("snapshot")).toMatchObject({ schema: "conntrail.changes/1", connections: 1, lost: 0 });
  expect(await next("present")).toMatchObject({ connection: { to: { port } } });
  const client = await lab.host.start("tcp-client", { port, connections: 1, hold: true });
  const { connection } = await next("opened");
  await client.stop();
  expect(await next("closed")).toMatchObject({
    connection: { id: (connection as { id: number }).id, state: "closed" },
  });
  command.signal("SIGTERM");
  expect(await ended(command, 5000)).toEqual({ code: 0, signal: null });
  expect(command.stderr).toBe("");
});

kernelTest(
  "watch ends by itself after --count reports with content: those from before all sources were heard do not count",
  async () => {
    await using lab = await plainLab();
    const args = ["watch", "--count", "3", "--interval", "100ms", "--format", "ndjson", ...OWN];
    const { code, stdout, stderr } = await runConntrail(lab.host, args);

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const reports = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as ReportJson);
    expect(reports.map(({ sequence }) => sequence - reports[0]!.sequence)).toEqual([0, 1, 2]);
    for (const { health } of reports) {
      expect([health.conntrack.reason, health.sockets.reason]).not.toContain("starting");
    }
  },
);

/** Two seconds to end, and a little for a busy machine. */
const GONE_MS = 2500;

const PARALLEL = 4;

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [["report", "--format", "jsno"], /"json"/],
  [["watch", "--format", "json"], /"ndjson"/],
  [["--formta", "json"], /--format/],
  [["wacth"], /watch/],
  [["report", "--window", "3"], /3s/],
  [["watch", "--interval", "1ms"], /--interval.* 50ms to/],
  [["report", "--protocol", "tpc"], /"tcp"/],
  [["report", "--name-server", "nonsense"], /nonsense/],
  [["watch", "--publish", "not a url"], /not a url/],
  [["watch", "--scan-cpu", "0.1"], /percentage/],
  [["watch", "--scan-cpu", "500%"], /--scan-cpu.* 0.1% to 100%/],
  [["report", "--scan-interval", "1ms"], /--scan-interval.* 10ms to 596.5h/],
  [["report", "--local-network", "foo"], /--local-network: expected a network such as 10.0.0.0\/8/],
  [["report", "superfluous"], /argument/],
];

test("N25 wrong usage ends with code 2 and one line that names the nearest right word", async () => {
  for (let i = 0; i < WRONG.length; i += PARALLEL) {
    const some = WRONG.slice(i, i + PARALLEL);
    const runs = await Promise.all(some.map(([args]) => runConntrail(undefined, args)));
    for (const [k, { code, stdout, stderr }] of runs.entries()) {
      const [args, expected] = some[k]!;
      const what = `conntrail ${args.join(" ")}`;
      expect({ code, stdout, lines: stderr.trimEnd().split("\n").length }, what).toEqual({
        code: 2,
        stdout: "",
        lines: 1,
      });
      expect(stderr, what).toMatch(/^conntrail: /);
      expect(stderr, what).toMatch(expected);
    }
  }
}, 60_000);

const TOO_MUCH: readonly (readonly [readonly string[], RegExp])[] = [
  [["watch", "--interval", "600h"], /--interval.* to 596.5h/],
  [["watch", "--scan-interval", "600h"], /--scan-interval/],
  [["record", "x.pcapng", "--duration", "600h"], /--duration/],
  [["report", "--window", "600h"], /--window/],
  [["report", "--max-flows", "8000000"], /--max-flows.* 1 to 2097152/],
  [["report", "--max-flows", "0"], /--max-flows/],
  [["report", "--receive-buffer", "4GiB"], /--receive-buffer/],
];

test("N2, N6 a number beyond what can be kept is refused under the name of its flag, with what would do", async () => {
  for (let i = 0; i < TOO_MUCH.length; i += PARALLEL) {
    const some = TOO_MUCH.slice(i, i + PARALLEL);
    const runs = await Promise.all(some.map(([args]) => runConntrail(undefined, args)));
    for (const [k, { code, stdout, stderr }] of runs.entries()) {
      expect({ code, stdout }, some[k]![0].join(" ")).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(some[k]![1]);
    }
  }
}, 60_000);

test("every command has a help that fits a terminal", async () => {
  const commands = [[], ["report"], ["watch"], ["record"], ["replay"]];
  const runs = await Promise.all(commands.map((command) => runConntrail(undefined, [...command, "--help"])));
  for (const [i, { code, stdout, stderr }] of runs.entries()) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(new RegExp(`^Usage: ${["conntrail", ...commands[i]!].join(" ")} `));
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(120);
  }
}, 60_000);

test("the version is one line", async () => {
  const { code, stdout } = await runConntrail(undefined, ["--version"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

/** How it ended; rejects when it does not within `timeoutMs`. */
async function ended(program: Program, timeoutMs: number): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`still running after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([program.exited, late]);
  } finally {
    clearTimeout(timer);
  }
}

function childrenOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
}

/** Netfilter and sock_diag sockets of user space that are open in a namespace (/proc/net/netlink: protocol, port id). */
function netlinkSockets(inode: number): string[] {
  const [inside] = processesIn(inode);
  const rows = readFileSync(`/proc/${inside}/net/netlink`, "utf8").trim().split("\n").slice(1);
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const ours = fields.filter(([, protocol, portId]) => ["4", "12"].includes(protocol!) && portId !== "0");
  return ours.map((row) => row.join(" "));
}

function processesIn(inode: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => namespaceOf(pid) === `net:[${inode}]`).map(Number);
}

function namespaceOf(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined; // It has ended.
  }
}
