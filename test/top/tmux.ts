/** A terminal of a size of its own, tmux(1), with the command in it: what a person would see, and the keys that a person would press. */

import { mustRun, runCommand } from "../lab/command.ts";
import { CONNTRAIL, type LabNamespace } from "../lab/index.ts";

/** A terminal. */
export interface TerminalOptions {
  readonly columns: number;
  readonly lines: number;
  readonly env?: Readonly<Record<string, string>>;
}

let counter = 0;

/** The command at a terminal inside a namespace. Disposing of it ends both. */
export class Terminal implements AsyncDisposable {
  readonly #server = `conntrail-test-${process.pid}-${++counter}`;

  /** Starts it. When the command ends, `ENDED` and its exit code stay on the screen. */
  static async open(namespace: LabNamespace, args: readonly string[], options: TerminalOptions): Promise<Terminal> {
    const terminal = new Terminal();
    const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`);
    const words = ["ip", "netns", "exec", namespace.name, "env", ...env, process.execPath, CONNTRAIL, ...args];
    const command = `${words.map((word) => `'${word}'`).join(" ")}; echo ENDED $?; exec sleep 600`;
    await terminal.#tmux("new-session", "-d", "-x", String(options.columns), "-y", String(options.lines), command);
    return terminal;
  }

  /** The screen as lines, without trailing spaces. */
  async lines(): Promise<string[]> {
    return (await this.#tmux("capture-pane", "-p")).split("\n").slice(0, -1);
  }

  /** The same with its escape sequences. */
  painted(): Promise<string> {
    return this.#tmux("capture-pane", "-p", "-e");
  }

  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  async type(text: string): Promise<void> {
    await this.#tmux("send-keys", "-l", text);
  }

  async resize(columns: number, lines: number): Promise<void> {
    await this.#tmux("resize-window", "-x", String(columns), "-y", String(lines));
  }

  /** The first screen that satisfies; rejects with the last one. */
  async until(holds: (lines: readonly string[]) => boolean, timeoutMs = 60_000): Promise<string[]> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const lines = await this.lines();
      if (holds(lines)) return lines;
      if (Date.now() > deadline) throw new Error(`the screen stayed at:\n${lines.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runCommand("tmux", ["-L", this.#server, "kill-server"]);
  }

  #tmux(...args: readonly string[]): Promise<string> {
    return mustRun("tmux", ["-L", this.#server, "-f", "/dev/null", ...args], { env: { TERM: "xterm-256color" } });
  }
}
