/** The package `@conntrail/store`, which an agent does not install by default: loaded when it is asked for. */
import type * as Store from "@conntrail/store";
import type * as Otlp from "@conntrail/store/otlp";

/** Not literals in the imports, so that a bundler leaves them for run time. */
const STORE = "@conntrail/store";
const OTLP = "@conntrail/store/otlp";

/** The store, or an Error that says what to install. */
export async function loadStore(): Promise<typeof Store> {
  return (await load(STORE)) as typeof Store;
}

/** OpenTelemetry's sink, or an Error that says what to install. */
export async function loadOtlp(): Promise<typeof Otlp> {
  return (await load(OTLP)) as typeof Otlp;
}

async function load(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(`${name} is not installed: npm install ${STORE}`, { cause: undefined });
  }
}
