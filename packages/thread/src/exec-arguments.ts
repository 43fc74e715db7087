/** What a worker takes over of the process's own Node options (worker_threads, `execArgv`). */

/** Options that speak of the program's text, and make a worker that is loaded from a file fail (ERR_INPUT_TYPE_NOT_ALLOWED). */
const PROGRAM_ONLY = /^--input-type(=|$)/;

/** `process.execArgv` as it stands, without what only holds for a program given on the command line (`node --input-type=module -e …`). */
export function workerExecArguments(): string[] {
  return process.execArgv.filter((argument, i, all) => {
    const valueOfBefore = i > 0 && all[i - 1] === "--input-type";
    return !valueOfBefore && !PROGRAM_ONLY.test(argument);
  });
}
