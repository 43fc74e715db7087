/** `conntrail record` as a program: its files, its end, and what other people's tools make of them. */
import { readdirSync } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CaptureRecord, readCapture, readRecords } from "@conntrail/capture";
import { MessageCursor, NETLINK_FAMILY, NLMSG_TYPE } from "@conntrail/netlink";
import type { ReportJson } from "@conntrail/report";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mustRun } from "../lab/command.ts";
import { type HostLab, kernelTest, loopbackLab, type Program, runConntrail, startConntrail } from "../lab/index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conntrail-files-"));
});
afterAll(() => rm(folder, { recursive: true }));

const OPTIONS = ["--namespaces", "own", "--no-names", "--interval", "250ms"] as const;

/** Starts a recorder in the lab and waits until it has a picture of what is there. */
async function record(lab: HostLab, path: string): Promise<Program> {
  const program = startConntrail(lab.host, ["record", path, ...OPTIONS]);
  await untilComplete(program, path);
  return program;
}

async function untilComplete(program: Program, path: string): Promise<void> {
  const isComplete = (record: CaptureRecord): boolean =>
    record.kind === "health" && record.part === "conntrack" && record.health.completeSinceMs !== null;
  while (!(await records(path)).some(isComplete)) {
    if (!program.running) throw new Error(program.stderr);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What can be read of a file, whole or not. */
async function records(path: string): Promise<CaptureRecord[]> {
  const found: CaptureRecord[] = [];
  try {
    for await (const record of readRecords(readCapture(path))) found.push(record);
  } catch {
    // Not there yet, or in the middle of a block.
  }
  return found;
}

async function connect(lab: HostLab, connections: number): Promise<void> {
  const client = await lab.host.start("tcp-client", { port: 8080, connections, parallel: 20 });
  await client.line((line) => line.includes('"done"'), 20_000);
}

async function replay(path: string): Promise<ReportJson> {
  const { stdout, stderr, code } = await runConntrail(undefined, ["replay", path, "--format", "json"]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  return JSON.parse(stdout) as ReportJson;
}

kernelTest(
  "SIGINT ends a recording with exit 0, its file complete, and tshark lists every conntrack message in it",
  async () => {
    await using lab = await loopbackLab();
    await lab.host.start("tcp-server", { port: 8080 });
    const path = join(folder, "listed.pcapng");
    const recorder = await record(lab, path);
    await connect(lab, 50);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await recorder.stop("SIGINT")).toEqual({ code: 0, signal: null });
    expect(recorder.stderr).toBe("");

    const found = await records(path);
    expect(found.at(-1)).toMatchObject({ kind: "tick", final: true });
    const fields = ["-T", "fields", "-e", "netlink.hdr_type"];
    const listed = await mustRun("tshark", ["-r", path, "-Y", "netlink-netfilter", ...fields]);
    const types = listed.trim().split(/[\n,]/).map(Number);
    expect(types.filter((type) => type === 0x100 || type === 0x102).length).toBe(conntrackMessages(found));
    expect(types.filter((type) => type === 0x100).length).toBeGreaterThanOrEqual(4 * 50);
  },
  { requires: ["tshark"], timeout: 60_000 },
);

for (const signal of ["SIGTERM", "SIGHUP"] as const) {
  kernelTest(`N24 ${signal} ends a recording as SIGINT does: the last connections are in it, and its end`, async () => {
    await using lab = await loopbackLab();
    await lab.host.start("tcp-server", { port: 8080 });
    const path = join(folder, `${signal}.pcapng.gz`);
    const recorder = await record(lab, path);
    await connect(lab, 20);
    expect(await recorder.stop(signal)).toEqual({ code: 0, signal: null });
    expect(recorder.stderr).toBe("");
    expect((await records(path)).at(-1)).toMatchObject({ kind: "tick", final: true });
    const closed = (await replay(path)).connections.filter(({ state, to }) => state === "closed" && to.port === 8080);
    expect(closed).toHaveLength(20);
  });
}

kernelTest(
  "a recorder that is killed leaves a file that is readable to the last whole block, plain and compressed",
  async () => {
    await using lab = await loopbackLab();
    await lab.host.start("tcp-server", { port: 8080 });
    for (const name of ["killed.pcapng", "killed.pcapng.gz"]) {
      const path = join(folder, name);
      const recorder = await record(lab, path);
      await connect(lab, 50);
      // What is not full is written after half a second.
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect(await recorder.stop("SIGKILL")).toEqual({ code: null, signal: "SIGKILL" });
      const closed = (await replay(path)).connections.filter(({ state, to }) => state === "closed" && to.port === 8080);
      expect(closed.length, name).toBe(50);
    }
  },
  { timeout: 60_000 },
);

kernelTest(
  "a recording is rotated by size, and each file can be replayed without the others",
  async () => {
    await using lab = await loopbackLab();
    await lab.host.start("tcp-server", { port: 8080 });
    const first = join(folder, "rotated-00001.pcapng");
    const command = ["record", join(folder, "rotated.pcapng"), ...OPTIONS];
    const recorder = startConntrail(lab.host, [...command, "--rotate-size", "512KiB"]);
    await untilComplete(recorder, first);
    const keeper = await lab.host.start("tcp-client", { port: 8080, hold: true });
    const [open] = keeper.ready.ports!;
    const rotated = (): string[] => readdirSync(folder).filter((name) => name.startsWith("rotated-"));
    let connections = 0;
    for (; rotated().length < 4 && connections < 6_000; connections += 300) await connect(lab, 300);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(await recorder.stop("SIGTERM")).toEqual({ code: 0, signal: null });

    const files = rotated();
    expect(files.length).toBeGreaterThan(3);
    let closed = 0;
    const complete: string[] = [];
    for (const [i, name] of files.entries()) {
      const path = join(folder, name);
      expect((await stat(path)).size).toBeLessThan(3 * 512 * 1024);
      const found = await records(path);
      expect(found.slice(0, 2).map(({ kind }) => kind)).toEqual(["host", "options"]);
      expect(
        found.some((record) => record.kind === "loss" && record.cause === "restart"),
        name,
      ).toBe(i > 0);
      const { connections: rows, health } = await replay(path);
      // A file that begins in the middle says so, until its dump has told what was there before.
      if (health.conntrack.completeSince === null)
        expect(health.conntrack).toMatchObject({ state: "degraded", reason: "starting" });
      else {
        complete.push(name);
        expect(rows.filter(({ from }) => from.port === open).map(({ state }) => state)).toEqual(["established"]);
      }
      closed += rows.filter(({ state, to }) => state === "closed" && to.port === 8080).length;
    }
    // Whatever file a connection ended in, it ended in one; but for those that a file's end cuts through, twenty at a time.
    const cut = 20 * (files.length - 1);
    expect(closed).toBeGreaterThanOrEqual(connections - cut);
    expect(closed).toBeLessThanOrEqual(connections + cut);
    // Each file gets a dump of its own when it begins, long before the next reconciliation: only what is cut short has none.
    expect(complete.slice(0, 2)).toEqual(files.slice(0, 2));
    expect(complete).toContain(files.at(-1));
  },
  { timeout: 120_000 },
);

kernelTest("--duration ends a recording by itself", async () => {
  await using lab = await loopbackLab();
  const path = join(folder, "short.pcapng");
  const { code } = await runConntrail(lab.host, ["record", path, ...OPTIONS, "--duration", "500ms"]);
  expect(code).toBe(0);
  expect((await records(path)).filter(({ kind }) => kind === "tick").length).toBeGreaterThan(1);
});

test("a file that cannot be created is told in one line, exit 1", async () => {
  const { code, stdout, stderr } = await runConntrail(undefined, [
    "record",
    join(folder, "nowhere/x.pcapng"),
    "--no-conntrack",
    "--no-sockets",
  ]);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^conntrail: .*ENOENT.*nowhere\/x\.pcapng.*\n$/);
});

test("a rotation that cannot work is wrong usage, exit 2", async () => {
  const { code, stderr } = await runConntrail(undefined, [
    "record",
    join(folder, "y.pcapng"),
    "--no-conntrack",
    "--no-sockets",
    "--rotate-size",
    "1KiB",
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^conntrail: --rotate-size: expected a whole number from 65536 to .* got 1024\n$/);
});

/** Messages of ctnetlink from the kernel: what is not the end of a dump or a request. */
function conntrackMessages(found: readonly CaptureRecord[]): number {
  let count = 0;
  for (const record of found) {
    if (record.kind !== "netlink" || record.family !== NETLINK_FAMILY.netfilter || record.outgoing) continue;
    const cursor = new MessageCursor(record.bytes);
    while (cursor.next()) if (cursor.type >= NLMSG_TYPE.minimum) count++;
  }
  return count;
}
