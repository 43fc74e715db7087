/**
 * The hosts file, hosts(5): lines of an address and its names, `#` to the end of a line is a comment. Some hold a blocklist of hundreds of thousands of lines, which give
 * unwanted names the address of the loopback, or none (F64): such a line is passed over without being parsed, and renames nothing.
 */
import { isLoopback, isUnspecified, parseAddress } from "@conntrail/model";
import { type AddressKey, addressKey } from "./address-key.ts";
import { hostName, MAX_NAMES } from "./host-name.ts";

/** What a hosts file says; `malformed` counts lines and names that could not be read and were left out. */
export interface HostsFile {
  readonly names: ReadonlyMap<AddressKey, readonly string[]>;
  readonly malformed: number;
}

/** An address of the file. */
interface Host {
  readonly key: AddressKey;
  readonly names: string[];
  /** Nobody is reached by it, or only this host: where a blocklist sends what it blocks. */
  readonly isSink: boolean;
  /** It has more names than are kept. */
  full: boolean;
}

/** Parses the text of a hosts file. Lines of one address add up, in order, to at most MAX_NAMES names. */
export function parseHosts(text: string): HostsFile {
  const hosts = new Map<string, Host | undefined>();
  let malformed = 0;
  for (const line of text.split("\n")) {
    const [, address, rest] = LINE.exec(line) ?? [];
    if (address === undefined || rest === undefined) continue;
    if (!hosts.has(address)) hosts.set(address, hostOf(address));
    const host = hosts.get(address);
    if (host?.full === true) continue;
    const aliases = rest
      .split("#", 1)[0]!
      .split(/\s+/)
      .filter((word) => word !== "");
    if (host === undefined || aliases.length === 0) malformed++;
    else malformed += addNames(host, aliases);
  }
  return { names: namesOf(hosts.values()), malformed };
}

/** An address without a name matches too: it is malformed. */
const LINE = /^\s*([^\s#]+)(.*)$/;

function hostOf(address: string): Host | undefined {
  const words = parseAddress(address);
  if (words === undefined) return undefined;
  return { key: addressKey(words, 0), names: [], isSink: isLoopback(words) || isUnspecified(words), full: false };
}

/** Returns how many of the names are none. */
function addNames(host: Host, aliases: readonly string[]): number {
  let malformed = 0;
  for (const alias of aliases) {
    const name = hostName(alias);
    if (name === undefined) malformed++;
    else if (host.names.includes(name)) continue;
    else if (host.names.length < MAX_NAMES) host.names.push(name);
    else host.full = true;
  }
  return malformed;
}

/** The same address may be written in several ways. Of a sink with too many names only those remain that mean the host itself. */
function namesOf(hosts: Iterable<Host | undefined>): Map<AddressKey, readonly string[]> {
  const names = new Map<AddressKey, string[]>();
  for (const host of hosts) {
    if (host === undefined) continue;
    const kept = host.isSink && host.full ? host.names.filter((name) => LOCAL.test(name)) : host.names;
    if (kept.length === 0) continue;
    const before = names.get(host.key) ?? [];
    names.set(host.key, [...new Set([...before, ...kept])].slice(0, MAX_NAMES));
  }
  return names;
}

const LOCAL = /^(?:ip6-)?(?:local|loopback)/i;
