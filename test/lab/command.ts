/** Runs one program to its end and hands back what it printed. Never rejects for what the program did: read `code`. */
import { spawn } from "node:child_process";

/** What a finished program left behind. A program that could not be started has code 127 and the reason in `stderr`. */
export interface CommandResult {
  /** Exit code; `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command may be given besides its arguments. */
export interface CommandOptions {
  /** Text for its standard input; without it, the input is empty. */
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Killed after this long. */
  readonly timeoutMs?: number;
}

/** Runs `command`; resolves when it has ended and all of its output has been read. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: "pipe",
      env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`, ...options.env },
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, killSignal: "SIGKILL" as const }),
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // The program may end before it has read its input (EPIPE): its exit code tells the rest.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
    child.on("error", (error) => resolve({ code: 127, signal: null, stdout: "", stderr: error.message }));
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** Like `runCommand`, but rejects when the code is not 0, and gives the standard output alone. */
export async function mustRun(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(command, args, options);
  if (result.code === 0) return result.stdout;
  const what = [command, ...args].join(" ");
  throw new Error(
    `${what}: exit ${result.code ?? result.signal}: ${result.stderr.trim()}${options.input ? `\n${options.input}` : ""}`,
  );
}
