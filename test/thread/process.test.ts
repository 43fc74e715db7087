/** What a process with workers leaves behind: nothing. The processes are the files in ./programs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const run = (file: string, ...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [fileURLToPath(new URL(`./programs/${file}`, import.meta.url)), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });

/** The children of all threads of a process (proc_pid_children, proc(5)). */
const childrenOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter((child) => child !== ""),
  );

test.each([
  { what: "that stop as asked", file: "nests.js" },
  { what: "that have to be terminated, with the workers they have started", file: "nests-slowly.js" },
])("after close() no thread is left of workers $what, and the process ends by itself", async ({ file }) => {
  const child = run("closes.js", file);
  const [output, [exitCode]] = await Promise.all([text(child.stdout!), once(child, "exit")]);
  const { before, during, after } = JSON.parse(output) as Record<string, number>;
  expect(exitCode).toBe(0);
  expect(during).toBeGreaterThanOrEqual(before! + 2); // the worker and the worker's worker
  expect(after).toBe(before);
});

test("F10 a killed process leaves no worker and no child, nested workers included", async () => {
  const child = run("runs-on.js");
  await once(child.stdout!, "data"); // the inner worker has started
  const pid = child.pid!;
  expect(childrenOf(pid)).toEqual([]);
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  expect(await exited).toEqual([null, "SIGKILL"]);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

test("a running worker keeps its process alive", async () => {
  const child = run("runs-on.js");
  await once(child.stdout!, "data");
  const outcome = await Promise.race([
    once(child, "exit").then(() => "ended"),
    new Promise((resolve) => setTimeout(() => resolve("running"), 500)),
  ]);
  child.kill("SIGKILL");
  expect(outcome).toBe("running");
});
