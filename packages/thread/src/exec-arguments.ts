/**
 * Which of the process's own Node options a worker is given (worker_threads, `execArgv`). Given none it inherits them all, also those that Node
 * refuses to take for a single thread: V8's (`--max-old-space-size`, `--expose-gc`, …) and the process's (`--title`).
 */

/** An option that speaks of a program given as text, and makes a worker fail that is loaded from a file (ERR_INPUT_TYPE_NOT_ALLOWED). */
const PROGRAM_AS_TEXT = /^--input-type(=|$)/;

/** The `execArgv` of a new worker: `undefined`, which inherits, or nothing at all where inheriting would not do. */
export function workerExecArguments(): string[] | undefined {
  const fromEnvironment = process.env.NODE_OPTIONS?.split(/\s+/) ?? [];
  return [...process.execArgv, ...fromEnvironment].some((argument) => PROGRAM_AS_TEXT.test(argument)) ? [] : undefined;
}
