/** Starts and ends programs/chdb-server.mjs: the engine behind HTTP, in a process that may be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./programs/chdb-server.mjs", import.meta.url));

/** A running server. */
export interface ChdbServer {
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
}

/** Starts one on `port` (0: any). Resolves when it listens. */
export async function startChdbServer(folder: string, port = 0, env: NodeJS.ProcessEnv = {}): Promise<ChdbServer> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, folder, String(port)], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await Promise.race([
    once(lines, "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the server ended with ${String(code)}`))),
  ])) as [string];
  const bound = Number(line.split(" ")[1]);
  return {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    async kill(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
