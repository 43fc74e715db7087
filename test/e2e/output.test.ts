/** What the command leaves behind: output that fails, files that others must not read, and what names the host. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createReporter, ndjson } from "@conntrail/reporter";
import { expect, test } from "vitest";
import { type CommandResult, runCommand } from "../lab/command.ts";
import { CONNTRAIL, kernelTest, plainLab, runConntrail } from "../lab/index.ts";
import { OWN, parsed } from "./reports.ts";

const SAMPLE = fileURLToPath(new URL("../../samples/port-scan.pcapng", import.meta.url));
const QUICK = ["report", "--window", "100ms", "--no-conntrack", "--no-names", ...OWN];

for (const [what, args] of [
  ["replay", ["replay", SAMPLE]],
  ["--help", ["--help"]],
  ["--version", ["--version"]],
  ["report", QUICK],
  ["watch", ["watch", "--no-conntrack", "--no-names", ...OWN]],
] as const) {
  test(`F59 N18 ${what} on a full disk ends with code 1 and one line`, async () => {
    const { code, stderr } = await shell('exec "$@" > /dev/full', args);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "conntrail: standard output: ENOSPC: no space left on device, write\n",
    });
  });
}

test("F59 where standard error fails too the code still tells", async () => {
  const { code } = await shell('exec "$@" > /dev/full 2> /dev/full', ["--version"]);
  expect(code).toBe(1);
});

kernelTest("F62 recordings, and the files of the ndjson sink, are created readable by their owner only", async () => {
  await using lab = await plainLab();
  using folder = scratch();
  const args = ["record", folder.at("a.pcapng"), "--duration", "200ms", ...OWN];
  expect(await runConntrail(lab.host, args)).toMatchObject({ code: 0 });
  const reporter = createReporter({
    conntrack: false,
    names: false,
    intervalMs: 100,
    sinks: [ndjson(folder.at("b.ndjson"))],
  });
  await reporter.report();
  await reporter.close();

  for (const name of ["a.pcapng", "b.ndjson"]) expect(statSync(folder.at(name)).mode & 0o777).toBe(0o600);
});

kernelTest("F62 command lines are told only with --cmdline, in json, scope and recordings", async () => {
  await using lab = await plainLab();
  using folder = scratch();
  const server = await lab.host.start("tcp-server", { host: "127.0.0.1" });
  await lab.host.start("tcp-client", { host: "127.0.0.1", port: server.ready.port!, hold: true });
  const secret = "tcp-client.mjs";
  for (const format of ["json", "scope"]) {
    const without = await runConntrail(lab.host, [...QUICK, "--format", format]);
    const asked = await runConntrail(lab.host, [...QUICK, "--format", format, "--cmdline"]);
    expect(without.stdout).not.toContain(secret);
    expect(asked.stdout).toContain(secret);
  }
  const file = folder.at("a.pcapng");
  await runConntrail(lab.host, ["record", file, "--duration", "500ms", "--no-names", ...OWN]);
  const replayed = await runConntrail(undefined, ["replay", file, "--format", "json"]);
  expect(parsed(replayed).processes.map(({ cmdline }) => cmdline)).toEqual(["", ""]);
});

kernelTest("F61 a machine id that is empty, uninitialized or null is none: the host's name stands for it", async () => {
  using folder = scratch();
  const real = "0123456789abcdef0123456789abcdef";
  const file = folder.at("id");
  const hosts = [];
  for (const id of ["", "uninitialized\n", "0".repeat(32), `${real}\n`]) {
    writeFileSync(file, id);
    const mounted = 'mount --bind "$0" /etc/machine-id && exec "$@"';
    const command = ["--mount", "sh", "-c", mounted, file, process.execPath, CONNTRAIL, ...QUICK, "--format", "json"];
    const { stdout } = await runCommand("unshare", command);
    hosts.push(JSON.parse(stdout).host);
  }
  const { name } = hosts[0];
  expect(hosts.map(({ id }) => id)).toEqual([name, name, name, real]);
});

/** Runs a line of sh(1) in which `"$@"` is the command with these arguments. */
function shell(line: string, args: readonly string[]): Promise<CommandResult> {
  return runCommand("sh", ["-c", line, "sh", process.execPath, CONNTRAIL, ...args], { timeoutMs: 30_000 });
}

/** A folder that goes when the test ends. */
function scratch(): Disposable & { at(name: string): string } {
  const folder = mkdtempSync(join(tmpdir(), "conntrail-"));
  return {
    at: (name) => join(folder, name),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}
