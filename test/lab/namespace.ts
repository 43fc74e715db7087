/** One network namespace of a lab, by its name under /run/netns (ip-netns(8)): what can be run and set inside it. */
import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type CommandOptions, type CommandResult, mustRun, runCommand } from "./command.ts";
import { Program, type ProgramOptions } from "./program.ts";

/** The programs of test/lab/programs, by file name without `.mjs`. */
export type LabProgram =
  | "tcp-server"
  | "tcp-client"
  | "tcp-proxy"
  | "udp-server"
  | "udp-client"
  | "port-scan"
  | "rst-closer"
  | "half-closer";

/** A namespace. It lives as long as its lab; everything that runs inside is ended with the lab. */
export class LabNamespace {
  /** `client`, `router`, …: the name within the lab. */
  readonly role: string;
  /** The name that `ip netns` knows. */
  readonly name: string;
  /** Addresses given to it, without prefix lengths, in the order in which they were given. */
  readonly addresses: string[] = [];
  readonly #programs: Program[] = [];

  constructor(role: string, name: string) {
    this.role = role;
    this.name = name;
  }

  /** The file that holds the namespace open, for `setns`. */
  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** The namespace's inode: what conntrail calls `netns`. */
  get inode(): number {
    return statSync(this.path).ino;
  }

  /** The first address. */
  get address(): string {
    const [first] = this.addresses;
    if (first === undefined) throw new Error(`namespace ${this.role} has no address`);
    return first;
  }

  /** Runs a command to its end inside the namespace; rejects when it fails. */
  exec(command: string, args: readonly string[], options?: CommandOptions): Promise<string> {
    return mustRun("ip", ["netns", "exec", this.name, command, ...args], options);
  }

  /** The same, but a failing command is an answer too. */
  tryExec(command: string, args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return runCommand("ip", ["netns", "exec", this.name, command, ...args], options);
  }

  /** Starts a program inside the namespace. /proc is the host's: its pid is a host pid. */
  spawn(command: string, args: readonly string[] = [], options?: ProgramOptions): Program {
    const program = new Program("ip", ["netns", "exec", this.name, command, ...args], options);
    this.#programs.push(program);
    return program;
  }

  /** Starts one of the lab's own programs and waits for its ready line, which is handed back parsed. */
  async start(
    program: LabProgram,
    options: Readonly<Record<string, string | number | boolean>> = {},
  ): Promise<Started> {
    const file = fileURLToPath(new URL(`./programs/${program}.mjs`, import.meta.url));
    const running = this.spawn(process.execPath, [file, ...commandLine(options)]);
    const ready = await running.json<Ready>();
    return Object.assign(running, { ready });
  }

  /** Loads an nftables ruleset (nft(8)). */
  async nft(ruleset: string): Promise<void> {
    await this.exec("nft", ["-f", "-"], { input: ruleset });
  }

  /** Sets a sysctl by its dotted name, inside the namespace. */
  async sysctl(name: string, value: string | number): Promise<void> {
    const file = `/proc/sys/${name.replaceAll(".", "/")}`;
    await this.exec("sh", ["-c", 'printf "%s\\n" "$1" > "$2"', "sh", String(value), file]);
  }

  /** The lines of `conntrack -L`, with the arguments given; empty when nothing is tracked. */
  async conntrack(...args: string[]): Promise<string[]> {
    const output = await this.exec("conntrack", ["-L", ...args]);
    return output.split("\n").filter((line) => line !== "");
  }

  /** Ends everything that was started here, and whatever else is still inside. The namespace is the lab's own, so it can only be ours. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#programs.splice(0).map((program) => program[Symbol.asyncDispose]()));
    await killInside(this.name);
  }
}

/** A lab program that has said that it is ready. */
export type Started = Program & { readonly ready: Ready };

/** The ready line of a lab program. Servers tell their port, clients their local ports. */
export interface Ready {
  readonly ready: string;
  readonly pid: number;
  readonly port?: number;
  readonly ports?: readonly number[];
  readonly pids?: readonly number[];
}

/**
 * Ends the processes that we, or those that we started, run in the named network namespace; resolves when they are gone, or after two seconds. Others that are in
 * it only visit: a scan of another test, which runs at the same time, enters every namespace for a moment.
 */
export async function killInside(name: string): Promise<void> {
  const deadline = Date.now() + 2_000;
  for (;;) {
    const pids = await pidsInside(name);
    if (pids.length === 0 || Date.now() > deadline) return;
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended on its own meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function pidsInside(name: string): Promise<number[]> {
  const { stdout } = await runCommand("ip", ["netns", "pids", name]);
  return stdout
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isOurs(pid));
}

/** True when we are among its ancestors, or when it has outlived its parent. */
function isOurs(pid: number): boolean {
  const parent = parentOf(pid);
  for (let above = parent; above !== undefined && above > 1; above = parentOf(above)) {
    if (above === process.pid) return true;
  }
  return parent === 1;
}

/** The parent of a process; `undefined` when it is gone. */
function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

/** `{ port: 80, hold: true }` to `--port 80 --hold`. */
function commandLine(options: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === false) return [];
    return value === true ? [`--${name}`] : [`--${name}`, String(value)];
  });
}
