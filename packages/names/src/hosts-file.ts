/** The hosts file, hosts(5): lines of an address and its names, `#` to the end of a line is a comment. */
import { parseAddress } from "@conntrail/model";
import { type AddressKey, addressKey } from "./address-key.ts";
import { hostName, MAX_NAMES } from "./host-name.ts";

/** What a hosts file says; `malformed` counts lines and names that could not be read and were left out. */
export interface HostsFile {
  readonly names: ReadonlyMap<AddressKey, readonly string[]>;
  readonly malformed: number;
}

/** Parses the text of a hosts file. Lines of one address add up, in order, to at most MAX_NAMES names. */
export function parseHosts(text: string): HostsFile {
  const names = new Map<AddressKey, string[]>();
  let malformed = 0;
  for (const line of text.split("\n")) {
    const [address, ...aliases] = line
      .split("#", 1)[0]!
      .split(/\s+/)
      .filter((word) => word !== "");
    if (address === undefined) continue;
    const words = parseAddress(address);
    if (words === undefined || aliases.length === 0) {
      malformed++;
      continue;
    }
    const key = addressKey(words, 0);
    const known = names.get(key) ?? [];
    for (const alias of aliases) {
      const name = hostName(alias);
      if (name === undefined) malformed++;
      else if (known.length < MAX_NAMES && !known.includes(name)) known.push(name);
    }
    if (known.length > 0) names.set(key, known);
  }
  return { names, malformed };
}
