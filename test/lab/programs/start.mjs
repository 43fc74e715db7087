/**
 * What every program of the lab does the same way: options from the command line, one ready line of JSON, an end.
 * A program ends after `--lifetime` seconds, and at once when whoever started it is gone (end of standard input).
 */

/** Reads `--name value` and `--name` over the defaults given; numbers stay numbers. Sets the lifetime. */
export function start(defaults) {
  const options = { lifetime: 120, ...defaults };
  const args = process.argv.slice(2);
  for (let i = 0; i < args.length; i++) {
    const name = args[i].replace(/^--/, "").replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
    if (!(name in options)) throw new Error(`unknown option ${args[i]}`);
    const kind = typeof options[name];
    if (kind === "boolean") options[name] = true;
    else options[name] = kind === "number" ? Number(args[++i]) : args[++i];
  }
  setTimeout(() => process.exit(0), options.lifetime * 1000).unref();
  process.stdin.on("end", () => process.exit(0)).resume();
  process.on("SIGTERM", () => process.exit(0));
  return options;
}

/** Prints one line of JSON. */
export function tell(fields) {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
}

/** Prints the ready line. */
export function ready(fields = {}) {
  tell({ ready: process.argv[1].replace(/^.*\/|\.mjs$/g, ""), pid: process.pid, ...fields });
}
