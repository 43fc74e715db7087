/** A sink that publishes to a Weave Scope app: POST /api/report, gzipped JSON, retried with back-off. */
import { setTimeout as sleep } from "node:timers/promises";
import { checkOptions, milliseconds, type OptionChecks, text, whole } from "../options/option-check.ts";
import type { Delivery, Sink } from "./sink.ts";

/** Options of `scopeApp()`. */
export interface ScopeAppOptions {
  /** Tries for one report, the first included, 1 to 100. Default 4. */
  readonly tries?: number;
  /** Wait before the second try, doubled for each further one. Default 250 ms. */
  readonly backoffMs?: number;
  /** Longest time for one request. Default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Value of the Authorization header, if the app wants one. */
  readonly authorization?: string;
}

const DEFAULTS = { tries: 4, backoffMs: 250, timeoutMs: 5000 } as const;

const CHECKS: OptionChecks<ScopeAppOptions> = {
  tries: whole({ least: 1, most: 100 }),
  backoffMs: milliseconds({ least: 1, most: 60_000 }),
  timeoutMs: milliseconds({ least: 1, most: 600_000 }),
  authorization: text("a header's value"),
};

const httpUrl = text(
  "a URL such as http://localhost:4040",
  (value) => /^https?:\/\//i.test(value) && URL.canParse(value),
);

/** Publishes every report to the app at `url` (`http://host:4040`). A report that the app refuses (4xx) is not tried again. Throws an OptionError. */
export function scopeApp(url: string, options: ScopeAppOptions = {}): Sink {
  httpUrl("url", url);
  checkOptions(CHECKS, options, "");
  const { tries, backoffMs, timeoutMs } = { ...DEFAULTS, ...options };
  const target = new URL("/api/report", url);
  const headers: Record<string, string> = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
  if (options.authorization !== undefined) headers.Authorization = options.authorization;

  const post = async (bytes: Uint8Array, signal: AbortSignal): Promise<"done" | Error> => {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const response = await fetch(target, { method: "POST", headers, body: bytes, signal: limit });
      const body = await response.text();
      if (response.ok) return "done";
      const error = new Error(`${target.href}: HTTP ${response.status}: ${body.slice(0, 200)}`);
      if (response.status >= 400 && response.status < 500 && response.status !== 429) throw new RefusedError(error);
      return error;
    } catch (error) {
      if (error instanceof RefusedError || signal.aborted) throw error;
      return error instanceof Error ? error : new Error(String(error));
    }
  };

  return {
    name: "scope-app",
    encoding: { format: "scope", gzip: true },
    async deliver({ bytes }: Delivery, signal: AbortSignal): Promise<void> {
      for (let attempt = 1; ; attempt++) {
        const outcome = await post(bytes!, signal);
        if (outcome === "done") return;
        if (attempt >= tries) throw outcome;
        await sleep(backoffMs * 2 ** (attempt - 1), undefined, { signal });
      }
    },
  };
}

/** The app answered that it will never take this report. */
class RefusedError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = "RefusedError";
  }
}
