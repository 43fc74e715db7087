/**
 * Who may ask: every request passes here first. A page of another site must not read us through the browser of an operator: its name for us is
 * refused (DNS rebinding), and so is what a browser says comes from elsewhere (Sec-Fetch-Site, W3C Fetch Metadata). No CORS header is ever sent.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** The rules of one server. */
export interface GuardRules {
  /** Names and addresses by which we may be called, without ports. */
  readonly hosts: ReadonlySet<string>;
  /** Asked for with everything but the page's own files. */
  readonly token: string | undefined;
}

/** Why a request is refused. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 405;
  readonly text: string;
}

/** What is wrong with a request; undefined when it may go on. `open`: the path tells nothing of connections. */
export function refusal(request: IncomingMessage, open: boolean, { hosts, token }: GuardRules): Refusal | undefined {
  if (request.method !== "GET" && request.method !== "HEAD") return { status: 405, text: "only GET and HEAD" };
  const host = hostName(request.headers.host);
  if (host === undefined) return { status: 400, text: "the Host header is missing or malformed" };
  if (!hosts.has(host))
    return { status: 403, text: `this server is not called ${JSON.stringify(host)}: see --allow-host` };
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none" && !(open && isNavigation(request))) {
    return { status: 403, text: "requests from other sites are refused" };
  }
  if (open || token === undefined || sameSecret(bearer(request), token)) return undefined;
  return { status: 401, text: "a token is needed: Authorization: Bearer …" };
}

/** The name without its port: `[::1]:4747` is `::1`. */
function hostName(header: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header ?? "") ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

/** A link on another site may lead to the page: it tells that site nothing. */
function isNavigation(request: IncomingMessage): boolean {
  return request.headers["sec-fetch-mode"] === "navigate" && request.headers["sec-fetch-dest"] === "document";
}

function bearer(request: IncomingMessage): string {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
}

/** Takes the same time whatever is wrong. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
