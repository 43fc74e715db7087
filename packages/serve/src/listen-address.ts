/** Where to listen: a port on an address of the loopback, on another address, or a socket of the file system (unix(7)). */

/** A place to listen at. */
export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Parses `127.0.0.1:4747`, `[::1]:4747`, `localhost:4747`, `:4747` (all addresses) or `unix:/run/conntrail.sock`. Undefined for what is none. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  if (text.startsWith("unix:")) return text.length > 5 ? { kind: "unix", path: text.slice(5) } : undefined;
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) return undefined;
  return { kind: "tcp", host: bracketed ?? (plain || "0.0.0.0"), port: Number(port) };
}

/** True when only programs of this host can reach it. */
export function isLoopbackOnly(address: ListenAddress): boolean {
  if (address.kind === "unix") return true;
  return address.host === "localhost" || address.host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address.host);
}
