/** The command under test, as a user has it: `node packages/cli/dist/main.js`, in a namespace of the lab or on the host, as root or as nobody. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { LabNamespace } from "./namespace.ts";
import { type Exit, Program } from "./program.ts";

/** The command's file. */
export const CONNTRAIL: string = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

/** `nobody` on Debian: no privileges, and in nobody's way. */
export const NOBODY = 65534;

/** How the command is run. */
export interface ConntrailOptions {
  /** As whom; root without it. */
  readonly user?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** In a mount namespace of its own, where /proc is mounted with hidepid=invisible (proc(5)). */
  readonly hidepid?: boolean;
  /** Given to node before the file, such as `--expose-gc`. */
  readonly nodeArgs?: readonly string[];
}

/** A run from start to end. */
export interface ConntrailResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
  readonly elapsedMs: number;
}

/** Runs `conntrail` to its end, by default for at most 30 s. `undefined` as namespace: on the host itself. */
export async function runConntrail(
  namespace: LabNamespace | undefined,
  args: readonly string[],
  options: ConntrailOptions & { readonly timeoutMs?: number } = {},
): Promise<ConntrailResult> {
  const began = performance.now();
  const program = startConntrail(namespace, args, options);
  program.endInput();
  const timer = setTimeout(() => program.signal("SIGKILL"), options.timeoutMs ?? 30_000);
  const exit = await program.exited;
  clearTimeout(timer);
  const stdout = program.lines.map((line) => `${line}\n`).join("");
  return { ...exit, stdout, stderr: program.stderr, elapsedMs: performance.now() - began };
}

/** Starts `conntrail` and hands back the running program. The lab ends it if the test does not; on the host, the test must. */
export function startConntrail(
  namespace: LabNamespace | undefined,
  args: readonly string[],
  options: ConntrailOptions = {},
): Program {
  const { user, hidepid = false, nodeArgs = [] } = options;
  const node = user === undefined ? [process.execPath, ...nodeArgs, CONNTRAIL] : asUser(user, nodeArgs);
  const command = [...(hidepid ? HIDDEN : []), ...node, ...args];
  if (namespace !== undefined) return namespace.spawn(command[0]!, command.slice(1), options);
  return new Program(command[0]!, command.slice(1), options);
}

/** Runs what follows where /proc hides the processes of others; the pid namespace, and so the pids, stay the host's. */
const HIDDEN = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o hidepid=invisible proc /proc && exec "$@"', "sh"];

/** The command that runs `node` as a user, setpriv(1). Every step becomes the next, so the pid stays. */
function asUser(user: number, nodeArgs: readonly string[]): string[] {
  const drop = [`--reuid=${user}`, `--regid=${user}`, "--clear-groups", "--inh-caps=-all", "--no-new-privs"];
  if (isOpenToAll(process.execPath) && isOpenToAll(CONNTRAIL)) {
    return ["setpriv", ...drop, process.execPath, ...nodeArgs, CONNTRAIL];
  }
  return [
    "unshare",
    "--mount",
    "sh",
    "-c",
    SHOW_ELSEWHERE,
    "sh",
    REPOSITORY,
    process.execPath,
    ...drop,
    NODE_ELSEWHERE,
    ...nodeArgs,
    CONNTRAIL_ELSEWHERE,
  ];
}

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const NODE_ELSEWHERE = "/media/node";
const CONNTRAIL_ELSEWHERE = "/media/repository/packages/cli/dist/main.js";

/** For a checkout below a folder that only root may enter: the same files at a place that all may, in a mount namespace of the program's own. */
const SHOW_ELSEWHERE = `
  mount -t tmpfs tmpfs /media && mkdir /media/repository && touch ${NODE_ELSEWHERE} &&
  mount --bind "$1" /media/repository && mount --bind "$2" ${NODE_ELSEWHERE} && cd / && shift 2 && exec setpriv "$@"`;

/** True when every folder on the way to the file can be entered by anyone. */
function isOpenToAll(file: string): boolean {
  for (let folder = dirname(file); folder !== "/"; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
  }
  return true;
}
