/** What `ss -tuanpH` (ss(8)) and `conntrack -L` (conntrack(8)) print, read without any of our own code: two independent witnesses of the same connections. */

/** A socket as `ss` shows it. */
export interface ListedSocket {
  readonly line: string;
  readonly protocol: string;
  readonly state: string;
  /** `address:port`, IPv4 in mapped form as IPv4. */
  readonly local: string;
  /** `*` where it has none. */
  readonly peer: string;
  readonly pids: readonly number[];
}

/** Reads the listing. */
export function socketsOf(text: string): ListedSocket[] {
  return lines(text).map((line) => {
    const [protocol, state, , , local, peer] = line.split(/\s+/) as [string, string, string, string, string, string];
    const pids = Array.from(line.matchAll(/pid=(\d+)/g), ([, pid]) => Number(pid));
    return { line, protocol, state, local: plain(local), peer: peer.endsWith(":*") ? "*" : plain(peer), pids };
  });
}

/** An entry as `conntrack` shows it. Ports of ICMP are its id, and type × 256 + code; of what has none, 0. */
export interface ListedEntry {
  readonly line: string;
  readonly protocol: number;
  readonly state: string | undefined;
  /** Source and destination of the original direction, and of the reply. */
  readonly original: readonly [string, string];
  readonly reply: readonly [string, string];
}

/** Reads the listing. */
export function entriesOf(text: string): ListedEntry[] {
  return lines(text).map((line) => {
    const [, protocol, , state] = line.split(/\s+/);
    const [original, reply] = line
      .split(/(?=src=)/)
      .slice(1)
      .map(tuple);
    return {
      line,
      protocol: Number(protocol),
      state: /^[A-Z_0-9]+$/.test(state!) ? state : undefined,
      original: original!,
      reply: reply!,
    };
  });
}

function tuple(text: string): [string, string] {
  const word = (name: string): string | undefined => new RegExp(`\\b${name}=(\\S+)`).exec(text)?.[1];
  const [id, type, code] = [word("id"), word("type"), word("code")];
  const key = (name: string): string | undefined => word(name) && String(Number(word(name)));
  const source = word("sport") ?? key("srckey") ?? id ?? "0";
  const destination =
    word("dport") ?? key("dstkey") ?? (type === undefined ? "0" : String(Number(type) * 256 + Number(code)));
  return [`${bracketed(word("src")!)}:${source}`, `${bracketed(word("dst")!)}:${destination}`];
}

/** An address and a port as both listings are compared. */
export function place({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${bracketed(address)}:${port}`;
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** Without the device behind a `%`, and IPv4 inside IPv6 as IPv4. */
function plain(end: string): string {
  return end.replace(/%[^:\]]+/, "").replace(/^\[::ffff:([\d.]+)\]/, "$1");
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
