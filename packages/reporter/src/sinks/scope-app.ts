/** A sink that publishes to a Weave Scope app: POST /api/report, gzipped JSON, retried with back-off, sent again before the app forgets it. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  callback,
  checkOptions,
  milliseconds,
  type OptionCheck,
  type OptionChecks,
  text,
  whole,
} from "../options/option-check.ts";
import { wrongType } from "../options/option-error.ts";
import { outage } from "./outage.ts";
import type { Delivery, Sink } from "./sink.ts";

/** Options of `scopeApp()`. */
export interface ScopeAppOptions {
  /** Tries for one report, the first included, 1 to 100. Default 4. */
  readonly tries?: number;
  /** Wait before the second try, doubled for each further one. Default 250 ms. */
  readonly backoffMs?: number;
  /** Longest time for one request. Default 5,000 ms. */
  readonly timeoutMs?: number;
  /** Value of the Authorization header, if the app wants one. Default: made of the user and password in the URL, where there are any. */
  readonly authorization?: string;
  /** Further headers of each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A report that no other has followed is sent again after so long: the app forgets it after 15 s. Default 10,000 ms; 0: never. */
  readonly resendMs?: number;
  /** Told in a sentence when reports are no longer taken, once, and when they are again. */
  readonly onOutage?: (message: string) => void;
}

const DEFAULTS = { tries: 4, backoffMs: 250, timeoutMs: 5000, resendMs: 10_000 } as const;

const headersCheck: OptionCheck = (name, value) => {
  if (typeof value !== "object" || value === null) throw wrongType(name, "an object of headers", value);
  for (const [header, content] of Object.entries(value)) {
    text("a header's name", (word) => HEADER_NAME.test(word))(`${name}: ${header}`, header);
    text("a header's value", isHeaderValue)(`${name}.${header}`, content);
  }
};

/** RFC 9110 5.1, 5.5. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const isHeaderValue = (value: string): boolean => value !== "" && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);

const CHECKS: OptionChecks<ScopeAppOptions> = {
  tries: whole({ least: 1, most: 100 }),
  backoffMs: milliseconds({ least: 1, most: 60_000 }),
  timeoutMs: milliseconds({ least: 1, most: 600_000 }),
  authorization: text("a header's value", isHeaderValue),
  headers: headersCheck,
  resendMs: milliseconds({ least: 1, most: 3_600_000 }, true),
  onOutage: callback,
};

const httpUrl = text(
  "a URL such as http://localhost:4040",
  (value) => /^https?:\/\//i.test(value) && URL.canParse(value),
);

/**
 * Publishes every report to the app at `url` (`http://host:4040`, with `user:password@` before the host if it wants them). A report
 * that the app refuses (4xx) is not tried again. Throws an OptionError.
 */
export function scopeApp(url: string, options: ScopeAppOptions = {}): Sink {
  httpUrl("url", url);
  checkOptions(CHECKS, options, "");
  const { tries, backoffMs, timeoutMs, resendMs } = { ...DEFAULTS, ...options };
  const { target, authorization } = addressOf(url);
  const headers = { ...HEADERS, ...(authorization && { authorization }), ...lowerCase(options) };
  const state = outage(`publishing to ${target.origin}`, options.onOutage ?? (() => undefined));
  let resend: NodeJS.Timeout | undefined;

  const post = async (bytes: Uint8Array, signal: AbortSignal | undefined): Promise<"done" | Error> => {
    try {
      const limit = AbortSignal.timeout(timeoutMs);
      const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      const response = await fetch(target, { method: "POST", headers, body: bytes, signal: either });
      const body = await response.text();
      if (response.ok) return "done";
      const error = new Error(`${target.href}: HTTP ${response.status}${body === "" ? "" : `: ${body.slice(0, 200)}`}`);
      if (response.status >= 400 && response.status < 500 && response.status !== 429) throw new RefusedError(error);
      return error;
    } catch (error) {
      if (error instanceof RefusedError || signal?.aborted === true) throw error;
      return new Error(`${target.href}: ${reasonOf(error)}`, { cause: error });
    }
  };

  const tryAll = async (bytes: Uint8Array, signal: AbortSignal): Promise<void> => {
    let last: Error | undefined;
    try {
      for (let attempt = 1; ; attempt++) {
        const outcome = await post(bytes, signal);
        if (outcome === "done") return;
        last = outcome;
        if (attempt >= tries) throw outcome;
        await sleep(backoffMs * 2 ** (attempt - 1), undefined, { signal });
      }
    } catch (error) {
      // The end of the reporter is no reason of its own: what went wrong before it is.
      throw signal.aborted ? (last ?? error) : error;
    }
  };

  const sendAgain = (bytes: Uint8Array): void => {
    if (resendMs === 0) return;
    const timer = setTimeout(() => {
      // Whether it arrives is no matter here: the next report tells whether the app is there.
      const again = (): void => {
        if (resend === timer) sendAgain(bytes);
      };
      post(bytes, undefined).then(again, again);
    }, resendMs).unref();
    resend = timer;
  };

  const stopResending = (): void => {
    clearTimeout(resend);
    resend = undefined;
  };

  return {
    name: "scope-app",
    encoding: { format: "scope", gzip: true },
    async deliver({ bytes }: Delivery, signal: AbortSignal): Promise<void> {
      stopResending();
      try {
        await tryAll(bytes!, signal);
        state.worked();
        sendAgain(bytes!);
      } catch (error) {
        state.failed(error);
        throw error;
      }
    },
    close: stopResending,
  };
}

/** The address without user and password, which fetch refuses and no message may show, and the header that they are for. */
function addressOf(url: string): { readonly target: URL; readonly authorization: string | undefined } {
  const { username, password } = new URL(url);
  const target = new URL("/api/report", url);
  target.username = "";
  target.password = "";
  if (username === "" && password === "") return { target, authorization: undefined };
  const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { target, authorization: `Basic ${Buffer.from(secret).toString("base64")}` };
}

const HEADERS = { "content-type": "application/json", "content-encoding": "gzip" } as const;

/** What was asked for goes before what the URL says. */
function lowerCase({ authorization, headers = {} }: ScopeAppOptions): Record<string, string> {
  const said = Object.entries({ ...(authorization !== undefined && { authorization }), ...headers });
  return Object.fromEntries(said.map(([name, value]) => [name.toLowerCase(), value]));
}

/** Node's fetch says "fetch failed" and keeps what happened in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}

/** The app answered that it will never take this report. */
class RefusedError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = "RefusedError";
  }
}
