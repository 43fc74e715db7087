/**
 * Networks that keep translated addresses from being taken for the Internet. The client's host knows only the address that it spoke
 * to; where no host has that address in its networks, the app draws `client → The Internet` beside the right edge. The host that
 * translates knows that the address is none of the Internet, and says so in its `local_networks`.
 */
import { ADDRESS_WORDS, formatAddress, hashEnd, isIpv4, networkTest } from "@conntrail/model";
import type { RawReport } from "./raw-report.ts";
import { ENDPOINT_BIT, type EndpointTable, NO_ENDPOINT } from "./scope-endpoints.ts";

/** Networks that one report adds at the most: the lowest in the order of their text. */
const MOST_NETWORKS = 1000;

/**
 * The translated addresses outside the host's own networks, each as a network of one. One that a connection ends at without having
 * been translated is left out: that address is really there.
 */
export function virtualNetworks(endpoints: EndpointTable, { host }: RawReport): string[] {
  const { addresses, bits, copyOf, length } = endpoints;
  const isKnown = networkTest(host.localNetworks);
  const found = new Map<number, Set<string>>();
  for (let e = 0; e < length; e++) {
    if (copyOf[e] === NO_ENDPOINT || bits[e]! & ENDPOINT_BIT.real || isKnown(addresses, e * ADDRESS_WORDS)) continue;
    const hash = hashEnd(addresses, e * ADDRESS_WORDS, 0);
    found.set(hash, (found.get(hash) ?? new Set()).add(networkOf(endpoints, e)));
  }
  if (found.size === 0) return [];
  for (let e = 0; e < length; e++) {
    if ((bits[e]! & ENDPOINT_BIT.real) === 0) continue;
    // The text is made for the few whose hash is among those found.
    found.get(hashEnd(addresses, e * ADDRESS_WORDS, 0))?.delete(networkOf(endpoints, e));
  }
  const networks = [...found.values()].flatMap((alike) => [...alike]);
  return networks.sort().slice(0, MOST_NETWORKS);
}

function networkOf({ addresses }: EndpointTable, endpoint: number): string {
  const at = endpoint * ADDRESS_WORDS;
  return `${formatAddress(addresses, at)}/${isIpv4(addresses, at) ? 32 : 128}`;
}
