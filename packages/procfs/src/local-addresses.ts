/**
 * A network namespace's own addresses from /proc/net/fib_trie (IPv4; `fib_triestat` in the kernel's net/ipv4/fib_trie.c)
 * and /proc/net/if_inet6 (IPv6; `if6_seq_show` in net/ipv6/addrconf.c), as four words each (model's address.ts).
 */
import { ADDRESS_WORDS, parseAddress } from "@conntrail/model";
import type { Process } from "./pids.ts";
import { readText } from "./read-file.ts";

/** The addresses of a process's network namespace, each once; `undefined` when neither file is there. Throws OpError. */
export function readLocalAddresses(root: string, process: Process = "self"): Uint32Array | undefined {
  const ipv4 = readText(`${root}/${process}/net/fib_trie`);
  const ipv6 = readText(`${root}/${process}/net/if_inet6`);
  if (ipv4 === undefined && ipv6 === undefined) return undefined;
  return joinAddresses([...parseFibTrie(ipv4 ?? ""), ...parseIfInet6(ipv6 ?? "")]);
}

/** The IPv4 addresses: leaves (`|-- ADDRESS`) whose next line is `/32 host LOCAL`. Both tables show them; each is given once. */
export function parseFibTrie(text: string): Uint32Array[] {
  const found = new Set<string>();
  for (const [, address] of text.matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g)) found.add(address!);
  return [...found].flatMap((address) => parseAddress(address) ?? []);
}

/** The IPv6 addresses: the first 32 hexadecimal digits of each line, in network order. Other lines are passed over. */
export function parseIfInet6(text: string): Uint32Array[] {
  return [...text.matchAll(/^([0-9a-f]{32}) /gim)].map(([, digits]) => {
    const bytes = new Uint8Array(ADDRESS_WORDS * 4);
    for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits!.slice(2 * i, 2 * i + 2), 16);
    return new Uint32Array(bytes.buffer);
  });
}

function joinAddresses(addresses: readonly Uint32Array[]): Uint32Array {
  const words = new Uint32Array(addresses.length * ADDRESS_WORDS);
  addresses.forEach((address, i) => {
    words.set(address, i * ADDRESS_WORDS);
  });
  return words;
}
