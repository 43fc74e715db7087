/** Encodes records as the blocks of one file after the other: every file has its own section header and interfaces. */
import { NETLINK_FAMILY } from "@conntrail/netlink";
import type { CaptureSource } from "./batch.ts";
import type { ChunkQueue } from "./chunk-queue.ts";
import {
  encodeInterface,
  encodeSection,
  encodeSidecar,
  packetBlockBytes,
  type SectionFacts,
  toMicros,
  writePacketBlock,
} from "./pcapng-encode.ts";
import type { NetlinkRecord, SidecarRecord } from "./records.ts";
import { SIDECAR_KIND } from "./sidecar-kind.ts";
import { sidecarPayload } from "./sidecar-payload.ts";

/** The encoder of a recording. Appends to the queue it was given. */
export class FileEncoder {
  readonly #queue: ChunkQueue;
  readonly #section: SectionFacts;
  readonly #first: readonly CaptureSource[];
  /** The interfaces of the current file, by namespace and family. */
  readonly #interfaces = new Map<string, CaptureSource & { readonly index: number }>();
  #file = 0;

  constructor(queue: ChunkQueue, section: SectionFacts, first: readonly CaptureSource[]) {
    this.#queue = queue;
    this.#section = section;
    this.#first = first;
  }

  /**
   * Begins file `number`, with the interfaces that the file before it had. At least one stands before anything else:
   * Wireshark's tools take a file's link type from the first, and refuse to rewrite a file where a custom block comes before it.
   */
  begin(number: number): void {
    const before = this.#interfaces.size > 0 ? [...this.#interfaces.values()] : this.#first;
    this.#file = number;
    this.#interfaces.clear();
    this.append(encodeSection(this.#section));
    for (const { netns, family } of before) this.#interface(netns, family);
  }

  /** Appends a datagram, and its interface before the first of each. */
  packet(facts: Omit<NetlinkRecord, "kind" | "bytes">, bytes: Uint8Array, offset: number, length: number): void {
    const { family, outgoing, multicast } = facts;
    // Before any room is taken: a block that was begun must be completed.
    const micros = toMicros(facts.timeMs);
    const interfaceIndex = this.#interface(facts.netns, family);
    const { chunk, at } = this.#queue.take(packetBlockBytes(length), this.#file);
    const packet = { interfaceIndex, micros, family, outgoing, multicast };
    writePacketBlock(chunk.bytes, chunk.view, at, packet, bytes, offset, length);
  }

  /** The block of a record that is not netlink. */
  encode(record: SidecarRecord): Uint8Array {
    const payload = Buffer.from(JSON.stringify(sidecarPayload(record)));
    return encodeSidecar(SIDECAR_KIND[record.kind], record.timeMs, payload);
  }

  /** Appends a block that was encoded here. */
  append(block: Uint8Array): void {
    const { chunk, at } = this.#queue.take(block.length, this.#file);
    chunk.bytes.set(block, at);
  }

  #interface(netns: number, family: number): number {
    const key = `${netns}/${family}`;
    const known = this.#interfaces.get(key);
    if (known !== undefined) return known.index;
    if (family !== NETLINK_FAMILY.netfilter && family !== NETLINK_FAMILY.sockDiag) {
      throw new TypeError(`family: expected NETLINK_NETFILTER or NETLINK_SOCK_DIAG, got ${family}`);
    }
    const index = this.#interfaces.size;
    this.#interfaces.set(key, { netns, family, index });
    this.append(encodeInterface(netns, family));
    return index;
  }
}
