/** SIGINT, SIGTERM and SIGHUP (the terminal is gone) as an AbortSignal. A second one ends the process at once, as operators expect. */

/** Aborted at the first of them. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(1);
      controller.abort();
    });
  }
  return controller.signal;
}
