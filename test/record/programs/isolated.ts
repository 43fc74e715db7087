/**
 * Recordings in which nothing of the machine shows but its kernel: no other process, socket or path. The program starts itself again in namespaces of its own
 * (network, mount, pid, cgroup; unshare(1)).
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { readCapture, readRecords } from "@conntrail/capture";
import type { LabNamespace, Program } from "../../lab/index.ts";

/** The root of the project. */
export const REPOSITORY: string = fileURLToPath(new URL("../../..", import.meta.url));

/** Where the repository is seen inside: a path that says nothing. */
const INSIDE = "/mnt";
const ENTER = `mount --bind "$1" ${INSIDE} && mkdir -p /run/netns && mount -t tmpfs none /run/netns && cd ${INSIDE} && shift && exec "$@"`;
const ISOLATE = "unshare";
const NAMESPACES = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--cgroup"];

/** Runs `inside` in such namespaces, with the first argument of the command line. `program`: the name of the calling file, without `.ts`. */
export async function runIsolated(
  program: string,
  inside: (wanted: string | undefined) => Promise<void>,
): Promise<void> {
  if (process.argv[2] === "inside") return inside(process.argv[3]);
  const file = `test/record/programs/${program}.ts`;
  const again = ["node", "--import", "tsx", file, "inside", ...process.argv.slice(2)];
  const isolated = spawn(ISOLATE, [...NAMESPACES, "sh", "-c", ENTER, "sh", REPOSITORY, ...again], {
    stdio: "inherit",
  });
  isolated.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
}

/** Starts to record into a file; resolves when conntrack's first dump and a scan are in it. */
export async function record(namespace: LabNamespace, file: string, ...options: readonly string[]): Promise<Program> {
  rmSync(file, { force: true });
  const host = basename(file).replace(/\.pcapng.*$/, "");
  const command = ["packages/cli/dist/main.js", "record", file, "--host-id", host, "--host-name", host, ...options];
  const program = namespace.spawn("node", command);
  while (!(await isComplete(file))) await sleep(100);
  return program;
}

/** Conntrack's first dump and a scan are in the file. */
async function isComplete(file: string): Promise<boolean> {
  let flows = false;
  let sockets = false;
  try {
    for await (const record of readRecords(readCapture(file))) {
      if (record.kind === "scan") sockets = true;
      if (record.kind === "health" && record.part === "conntrack") flows = record.health.completeSinceMs !== null;
    }
  } catch {
    // It is not there yet, or ends in the middle of a block.
  }
  return flows && sockets;
}

/** Ends a recording. */
export async function finish(recorder: Program): Promise<void> {
  const { code } = await recorder.stop("SIGINT", 30_000);
  process.stderr.write(`recorded, exit ${code} ${recorder.stderr}\n`);
}

/** Waits. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
