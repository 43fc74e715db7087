/** Answers with the headers that all of them have. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

/** Nothing from elsewhere, nothing inline, no frames, no forms (W3C Content Security Policy). */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The headers of every answer. */
export const HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** Smaller bodies are not worth it. */
const LEAST_GZIP_BYTES = 2048;

/** Sends a whole body, compressed where that is welcome. */
export function respond(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const gzip = bytes.length >= LEAST_GZIP_BYTES && /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  const sent = gzip ? gzipSync(bytes, { level: 1 }) : bytes;
  response.writeHead(status, {
    ...HEADERS,
    "Content-Type": type,
    "Content-Length": sent.length,
    Vary: "Accept-Encoding",
    ...(gzip && { "Content-Encoding": "gzip" }),
  });
  response.end(request.method === "HEAD" ? undefined : sent);
}

/** Sends a value as JSON. */
export function respondJson(request: IncomingMessage, response: ServerResponse, status: number, value: unknown): void {
  respond(request, response, status, "application/json; charset=utf-8", `${JSON.stringify(value)}\n`);
}
