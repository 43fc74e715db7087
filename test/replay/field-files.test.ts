/** Recordings that other programs changed, and the ways in which a file may come (F66, N7): refused, or right. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ReportJson } from "@conntrail/report";
import { describe, expect, onTestFinished, test } from "vitest";
import { mustRun } from "../lab/command.ts";
import { runConntrail } from "../lab/index.ts";
import { findTool, toolObstacle } from "../lab/kernel.ts";

const SHOP = join(import.meta.dirname, "../../samples/shop.pcapng");
const FLOW = "src=192.0.2.1 dst=192.0.2.2 sport=40000 dport=443 src=192.0.2.2 dst=192.0.2.1 sport=443 dport=40000";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "conntrail-files-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

async function replayed(...files: readonly string[]) {
  const { stdout, stderr, code } = await runConntrail(undefined, ["replay", ...files, "--format", "json"]);
  return { report: stdout === "" ? undefined : (JSON.parse(stdout) as ReportJson), stderr, code };
}

describe("F66 a recording that another program changed", () => {
  for (const [tool, what, args, says] of [
    ["mergecap", "merged with itself", (to: string) => ["-w", to, SHOP, SHOP], "two recordings merged into one"],
    ["editcap", "shifted by an hour", (to: string) => ["-t", "3600", SHOP, to], "their times were changed"],
    ["editcap", "shifted back", (to: string) => ["-t", "-3600", SHOP, to], "their times were changed"],
  ] as const) {
    test(`is refused when it was ${what}`, async ({ skip }) => {
      const obstacle = toolObstacle([tool]);
      if (obstacle !== undefined) return skip(obstacle);
      const to = join(folder(), "changed.pcapng");
      await mustRun(findTool(tool)!, args(to));
      const { stderr, code } = await replayed(to);
      expect([code, stderr]).toEqual([1, expect.stringContaining(says)]);
    });
  }

  test("is refused when the same recording follows, or another that was made before it", async () => {
    const path = join(folder(), "twice.pcapng");
    writeFileSync(path, Buffer.concat([readFileSync(SHOP), readFileSync(SHOP)]));
    const { stderr, code } = await replayed(path);
    expect([code, stderr]).toEqual([1, expect.stringContaining("made before the one in front of it")]);
  });

  test("is told as cut where it ends in the midst of a block, and what was before is reported", async () => {
    const path = join(folder(), "cut.pcapng");
    writeFileSync(path, readFileSync(SHOP).subarray(0, 30_000));
    const { report, stderr, code } = await replayed(path);
    expect([code, stderr]).toEqual([1, expect.stringContaining("truncated: at byte")]);
    expect(report!.connections.length).toBeGreaterThan(0);
  });
});

test("F66 a file of which nothing could be decoded is not ok", async () => {
  const path = join(folder(), "cut.txt");
  writeFileSync(path, `tcp      120 FIN_WAIT ${FLOW}\ntcp      6 431999 ESTABLISHED ${FLOW}`);
  const { report, stderr, code } = await replayed(path);
  expect(report!.health.conntrack).toMatchObject({ state: "off", reason: "failed" });
  expect([code, report!.connections]).toEqual([0, []]);
  expect(stderr).toContain("2 lines could not be read, the first: bad-line: line 1, column 1:");
});

test("the files of a rotated recording are replayed as one", async () => {
  const at = folder();
  const [first, second] = [join(at, "x-00001.txt"), join(at, "x-00002.txt")];
  writeFileSync(
    first,
    `    [NEW] tcp      6 120 SYN_SENT ${FLOW.replace(" src=192.0.2.2", " [UNREPLIED] src=192.0.2.2")}\n`,
  );
  writeFileSync(second, ` [UPDATE] tcp      6 432000 ESTABLISHED ${FLOW} [ASSURED]\n`);
  const { report } = await replayed(first, second);
  expect(report!.connections).toMatchObject([{ state: "established", direction: { confidence: "certain" } }]);
});

describe("N7 a pipe", () => {
  /** Starts a replay whose standard input is a pipe. */
  function start(file: string) {
    const main = join(import.meta.dirname, "../../packages/cli/dist/main.js");
    const child = spawn(process.execPath, [main, "replay", file, "--format", "json"], { stdio: "pipe" });
    onTestFinished(() => void child.kill("SIGKILL"));
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    return { child, output: () => out };
  }

  test("is read as `-` to its end", async () => {
    const { child, output } = start("-");
    child.stdin.end(` [UPDATE] tcp      6 432000 ESTABLISHED ${FLOW} [ASSURED]\n`);
    expect((await once(child, "close"))[0]).toBe(0);
    expect((JSON.parse(output()) as ReportJson).connections).toHaveLength(1);
  });

  test("that somebody holds open ends at SIGINT, with a last report", async () => {
    const path = join(folder(), "fifo");
    await mustRun("mkfifo", [path]);
    const { child, output } = start(path);
    // Opens once the other end is open: then it listens to signals.
    const writer = await open(path, "w");
    onTestFinished(() => writer.close());
    await writer.write(` [UPDATE] tcp      6 432000 ESTABLISHED ${FLOW} [ASSURED]\n`);
    child.kill("SIGINT");
    expect((await once(child, "close"))[0]).toBe(0);
    expect(JSON.parse(output())).toMatchObject({ schema: "conntrail.report/1" });
  });

  test("with a name and without a writer ends at SIGTERM", async () => {
    const path = join(folder(), "fifo");
    await mustRun("mkfifo", [path]);
    const { child } = start(path);
    await expect.poll(() => hasOpen(child.pid!, path), { timeout: 15_000 }).toBe(true);
    child.kill("SIGTERM");
    expect(await once(child, "close")).toEqual([0, null]);
  });
});

/** True once the process has the file open. */
function hasOpen(pid: number, path: string): boolean {
  const fds = readdirSync(`/proc/${pid}/fd`);
  return fds.some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === path;
    } catch {
      return false; // closed meanwhile
    }
  });
}
