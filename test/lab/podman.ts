/**
 * Containers of a test: Debian's podman with runc, by folders of control groups, from an image that is one static busybox. Storage, state and the API's socket lie in a folder of the test's
 * own. `PODMAN` names what a kernelTest needs.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { LabNamespace } from "./namespace.ts";
import { Program } from "./program.ts";

const run = promisify(execFile);

/** What must be installed: the test says so where it is not. */
export const PODMAN: readonly string[] = ["podman", "runc", "busybox", "tar"];

/** The image that `openPodman` makes. */
export const IMAGE = "localhost/conntrail-test:7";

/** Runs containers inside a namespace of the lab. Disposing removes them all. */
export interface Podman extends AsyncDisposable {
  /** `unix://` and a path, where it answers Docker's API. */
  readonly api: string;
  /** Starts a container in the network of `where` that runs a script of busybox's shell and is removed at its end. */
  readonly start: (where: LabNamespace, name: string, script: string, options?: readonly string[]) => Program;
}

/** Imports the image and starts the API. */
export async function openPodman(): Promise<Podman> {
  const folder = await mkdtemp(join(tmpdir(), "conntrail-podman-"));
  const own = ["--root", join(folder, "store"), "--runroot", join(folder, "run"), "--runtime", "runc"];
  const podman = [...own, "--cgroup-manager", "cgroupfs"];
  await mkdir(join(folder, "image/bin"), { recursive: true });
  const busybox = spawnSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).stdout.trim();
  await run("cp", ["-L", busybox, join(folder, "image/bin/busybox")]);
  await run("tar", ["-C", join(folder, "image"), "-cf", join(folder, "image.tar"), "."]);
  await run("podman", [...podman, "import", join(folder, "image.tar"), IMAGE]);
  const socket = join(folder, "api.sock");
  const service = new Program("podman", [...podman, "system", "service", "--time=0", `unix://${socket}`]);
  for (let i = 0; i < 100 && !existsSync(socket) && service.running; i++) await sleep(100);
  const started: { readonly name: string; readonly program: Program }[] = [];
  return {
    api: `unix://${socket}`,
    start: (where, name, script, options = []) => {
      const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"];
      const args = ["run", "--rm", "--network", "host", "--name", name, ...limits, ...options, IMAGE];
      // Not `ip netns exec`: that mounts /sys anew, without the control groups.
      const command = ["podman", ...podman, ...args, "/bin/busybox", "sh", "-c", script];
      const program = new Program("nsenter", [`--net=${where.path}`, ...command]);
      started.push({ name, program });
      return program;
    },
    [Symbol.asyncDispose]: async () => {
      const names = started.map(({ name }) => name);
      await run("podman", [...podman, "rm", "--force", "--ignore", "--time", "0", ...names]).catch(() => undefined);
      // `podman rm` is back before `podman run --rm` has let go of the storage; stopped in the middle of that, it leaves mounts.
      for (const { program } of started) await Promise.race([program.exited, sleep(20_000, null, { ref: false })]);
      for (const { program } of started) await program.stop();
      await service.stop();
      await leftBehind(folder);
      for (const mount of await mountsBelow(folder)) await run("umount", ["--lazy", mount]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits, ten seconds at most, for the processes that have the folder among their arguments: conmon leaves a `podman container cleanup` behind, which writes there. */
async function leftBehind(folder: string): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
    const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
    if (!commands.some((command) => command.includes(folder))) return;
    await sleep(100);
  }
}

/** What is mounted below a folder, the last mount first (proc_pid_mountinfo(5), its fifth field). */
async function mountsBelow(folder: string): Promise<readonly string[]> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  return mounts.filter((mount) => mount.startsWith(`${folder}/`)).reverse();
}
