/**
 * The endpoints of a report, each once, for Scope's Endpoint topology: a hash table over columns, no object per endpoint.
 * An endpoint is an address, a port and the scope in which they mean something. Protocols share endpoints: Scope's ids
 * do not tell them apart.
 */
import { ADDRESS_WORDS, hashEnd, isLoopback, type NetworkTest, sameAddress } from "@conntrail/model";

/** What is known of an endpoint: bits of `EndpointTable.bits`. */
export const ENDPOINT_BIT = {
  conntracked: 1,
  procspied: 2,
  local: 4,
  real: 8, // an end of a connection; without it, only another name of one
} as const;

/** Values of `EndpointTable.scope` beside the inode of a namespace. */
export const SCOPE = { none: 0, host: 0xffff_ffff } as const;

/** No endpoint. */
export const NO_ENDPOINT = -1;

/** The endpoints. Column `e` of every array is endpoint `e`. */
export class EndpointTable {
  length = 0;
  readonly addresses: Uint32Array;
  readonly ports: Uint16Array;
  /** SCOPE.none, SCOPE.host, or the namespace of a loopback address. */
  readonly scope: Uint32Array;
  /**
   * Of the nameless client of aggregated connections (port 0): the service they lead to. It is part of the id, since
   * Scope drops the process of an endpoint with two targets, and all such clients at one address would be one.
   */
  readonly service: Int32Array;
  readonly bits: Uint8Array;
  /** 1 + index of the owner, 0 = unknown; and the row that told it. */
  readonly owner: Uint32Array;
  readonly ownerRow: Uint32Array;
  /** 1 + index of the names of a server, 0 = none. */
  readonly names: Uint32Array;
  /** Connections out of this endpoint. */
  readonly connections: Float64Array;
  /** First of the endpoint's edges, or NO_ENDPOINT. */
  readonly firstEdge: Int32Array;
  /** The endpoint that this one is another name of, or NO_ENDPOINT. */
  readonly copyOf: Int32Array;
  readonly #slots: Int32Array;
  readonly #hostScoped: NetworkTest | undefined;

  constructor(capacity: number, hostScoped: NetworkTest | undefined) {
    this.addresses = new Uint32Array(capacity * ADDRESS_WORDS);
    this.ports = new Uint16Array(capacity);
    this.scope = new Uint32Array(capacity);
    this.service = new Int32Array(capacity);
    this.bits = new Uint8Array(capacity);
    this.owner = new Uint32Array(capacity);
    this.ownerRow = new Uint32Array(capacity);
    this.names = new Uint32Array(capacity);
    this.connections = new Float64Array(capacity);
    this.firstEdge = new Int32Array(capacity);
    this.copyOf = new Int32Array(capacity);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * capacity + 2)));
    this.#hostScoped = hostScoped;
  }

  /** The endpoint with this address, port and, for a loopback address, namespace; made when it is new. */
  find(words: Uint32Array, offset: number, port: number, netns: number, service: number = NO_ENDPOINT): number {
    const scope = this.#scopeOf(words, offset, netns);
    const mask = this.#slots.length - 1;
    let slot = (hashEnd(words, offset, port) ^ Math.imul(scope ^ (service + 1), 0x9e3779b1)) & mask;
    for (; ; slot = (slot + 1) & mask) {
      const endpoint = this.#slots[slot]! - 1;
      if (endpoint < 0) return this.#add(slot, words, offset, port, scope, service);
      if (
        this.ports[endpoint] === port &&
        sameAddress(this.addresses, endpoint * ADDRESS_WORDS, words, offset) &&
        this.scope[endpoint] === scope &&
        this.service[endpoint] === service
      ) {
        return endpoint;
      }
    }
  }

  #scopeOf(words: Uint32Array, offset: number, netns: number): number {
    if (isLoopback(words, offset)) return netns === 0 ? SCOPE.host : netns;
    return this.#hostScoped?.(words, offset) === true ? SCOPE.host : SCOPE.none;
  }

  #add(slot: number, words: Uint32Array, offset: number, port: number, scope: number, service: number): number {
    const endpoint = this.length++;
    this.#slots[slot] = endpoint + 1;
    for (let i = 0; i < ADDRESS_WORDS; i++) this.addresses[endpoint * ADDRESS_WORDS + i] = words[offset + i]!;
    this.ports[endpoint] = port;
    this.scope[endpoint] = scope;
    this.service[endpoint] = service;
    this.firstEdge[endpoint] = NO_ENDPOINT;
    this.copyOf[endpoint] = NO_ENDPOINT;
    return endpoint;
  }
}
