/** A program that runs beside the test: its pid, its output line by line, and its end. Ended by pid, never by name. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a program may be given. */
export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

const KEPT_LINES = 500_000;
const KEPT_STDERR = 1 << 20;

/** A running program. `lines` and `stderr` grow while it runs; at 500,000 lines or 1 MiB of stderr the oldest are let go. */
export class Program implements AsyncDisposable {
  /** The pid of the program itself: `ip netns exec` and `setpriv` become it, they do not fork. */
  readonly pid: number;
  readonly lines: string[] = [];
  /** Resolves when the program has ended and its output has been read. */
  readonly exited: Promise<Exit>;
  #stderr = "";
  #ended = false;
  #seen = 0;
  readonly #child: ChildProcess;
  readonly #command: string;
  readonly #waiting = new Set<() => void>();

  constructor(command: string, args: readonly string[], options: ProgramOptions = {}) {
    this.#command = [command, ...args].join(" ");
    const child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#child = child;
    this.pid = child.pid ?? -1;
    this.exited = new Promise((resolve) => {
      child.on("error", (error) => {
        this.#stderr += error.message;
        this.#end();
        resolve({ code: 127, signal: null });
      });
      child.on("close", (code, signal) => {
        this.#end();
        resolve({ code, signal });
      });
    });
    child.stdin.on("error", () => undefined);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
    createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) => {
      this.lines.push(line);
      if (this.lines.length > KEPT_LINES) {
        this.lines.shift();
        this.#seen = Math.max(0, this.#seen - 1);
      }
      this.#wake();
    });
  }

  /** True until the program has ended. */
  get running(): boolean {
    return !this.#ended;
  }

  /** What it wrote to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /**
   * The next line that nobody has taken yet and that `matches`; lines before it are passed over. Rejects after
   * `timeoutMs`, or when the program ends first.
   */
  async line(matches: (line: string) => boolean = () => true, timeoutMs = 10_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      while (this.#seen < this.lines.length) {
        const line = this.lines[this.#seen++]!;
        if (matches(line)) return line;
      }
      if (this.#ended) {
        const { exitCode, signalCode } = this.#child;
        const end = signalCode ?? `exit ${exitCode}`;
        throw new Error(`${this.#command}: ended (${end}) before the expected line; stderr: ${this.#stderr}`);
      }
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`${this.#command}: no expected line within ${timeoutMs} ms; stderr: ${this.#stderr}`);
      await this.#nextChange(left);
    }
  }

  /** The next line that is a JSON object, parsed. */
  async json<T = Record<string, unknown>>(timeoutMs?: number): Promise<T> {
    return JSON.parse(await this.line((line) => line.startsWith("{"), timeoutMs)) as T;
  }

  /** Writes to its standard input. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Closes its standard input. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Closes our end of its standard output, as `| head -1` does. */
  closeOutput(): void {
    this.#child.stdout?.destroy();
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(signal);
  }

  /** Sends `signal`, and SIGKILL after `timeoutMs`; resolves when it has ended. Ending twice is no error. */
  async stop(signal: NodeJS.Signals = "SIGTERM", timeoutMs = 15_000): Promise<Exit> {
    this.signal(signal);
    const timer = setTimeout(() => this.signal("SIGKILL"), timeoutMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #nextChange(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, timeoutMs);
      const waiting = this.#waiting;
      function done(): void {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      }
      waiting.add(done);
    });
  }
}
