/**
 * A scan of the sockets as records and back. What the scan took in is plain data (the scan package's own record of it has this very
 * shape): the kernel's answers go into the file as netlink, the rest beside them, and come out as the same scan again.
 */
import type { NamespaceFacts, Owner } from "@conntrail/model";
import { MessageCursor, NETLINK_FAMILY } from "@conntrail/netlink";
import { PACKET, type PacketBatch } from "./batch.ts";
import type { CaptureItem } from "./decoder.ts";
import { MAX_DATAGRAM_BYTES } from "./pcapng-encode.ts";
import type { CaptureReader } from "./read-capture.ts";
import type { CaptureRecord, DumpRecord, ScanAccount } from "./records.ts";

/** Everything a scan took in, in the order in which it did. */
export interface RecordedScan {
  readonly kind: "scan";
  /** Unix milliseconds of its beginning and its end. */
  readonly startedMs: number;
  readonly timeMs: number;
  /** The cut that its table waits for; null in older recordings. */
  readonly cutMs: number | null;
  readonly dumps: readonly {
    /** Whole messages of sock_diag, or the text of a file of /proc/net. */
    readonly format: "sock_diag" | "proc-net";
    readonly netns: number;
    readonly protocol: number;
    readonly bytes: Uint8Array;
  }[];
  readonly owners: readonly Owner[];
  /** As in an OwnersRecord. */
  readonly holders: Uint32Array;
  readonly namespaces: readonly NamespaceFacts[];
  readonly facts: ScanAccount;
}

/** The records of a scan, to be written one after the other. Bytes are views of the scan's. */
export function* scanRecords(scan: RecordedScan): Generator<CaptureRecord, void, undefined> {
  const { startedMs, timeMs } = scan;
  yield { kind: "scan", timeMs: startedMs, phase: "begin" };
  for (const facts of scan.namespaces) yield { kind: "namespace", timeMs: startedMs, facts };
  for (const { format, netns, protocol, bytes } of scan.dumps) {
    if (format === "proc-net") {
      yield { kind: "proc-net", timeMs, netns, protocol, bytes };
      continue;
    }
    const family = NETLINK_FAMILY.sockDiag;
    const asked = { kind: "dump", timeMs, netns, family, addressFamily: 0, protocol, tellClosed: false } as const;
    yield { ...asked, phase: "begin", interrupted: false, error: null };
    for (const part of datagrams(bytes)) {
      yield { kind: "netlink", timeMs, netns, family, outgoing: false, multicast: false, bytes: part };
    }
    yield { ...asked, phase: "end", interrupted: false, error: null };
  }
  yield { kind: "owners", timeMs, owners: scan.owners, holders: scan.holders };
  yield { kind: "scan", timeMs, phase: "end", account: scan.facts, cutMs: scan.cutMs };
}

/** Puts the scans of a capture together again. Give it every item, in order; it says when a scan is complete. */
export class ScanCollector {
  readonly #reader: CaptureReader;
  #scan: { -readonly [K in keyof Omit<RecordedScan, "facts">]: RecordedScan[K] } | undefined;
  #dumps: RecordedScan["dumps"][number][] = [];
  #namespaces: NamespaceFacts[] = [];
  #dump: DumpRecord | undefined;
  #bytes = 0;

  constructor(reader: CaptureReader) {
    this.#reader = reader;
  }

  /** Scans that were begun and not completed: cut off by the end of a recording, or too large to be true. */
  abandoned = 0;

  /** Takes an item; what it keeps of a batch is copied. */
  take(item: CaptureItem): RecordedScan | undefined {
    if (item.kind === "scan" && item.phase === "begin") this.#begin(item.timeMs);
    const scan = this.#scan;
    if (scan === undefined) return undefined;
    switch (item.kind) {
      case "packets":
        this.#takePackets(item);
        return undefined;
      case "dump":
        if (item.family === NETLINK_FAMILY.sockDiag) this.#dump = item.phase === "begin" ? item : undefined;
        return undefined;
      case "proc-net":
        this.#keep({ format: "proc-net", netns: item.netns, protocol: item.protocol, bytes: item.bytes });
        return undefined;
      case "namespace":
        this.#namespaces.push(item.facts);
        return undefined;
      case "owners":
        scan.owners = item.owners;
        scan.holders = item.holders;
        return undefined;
      case "scan":
        if (item.phase === "begin") return undefined;
        this.#scan = undefined;
        return {
          ...scan,
          timeMs: item.timeMs,
          cutMs: item.cutMs,
          namespaces: this.#datedNamespaces(scan.startedMs, item.timeMs),
          facts: item.account,
        };
      default:
        return undefined;
    }
  }

  /** In older recordings the time of a namespace's reading is known to the scan. */
  #datedNamespaces(startedMs: number, timeMs: number): NamespaceFacts[] {
    return this.#namespaces.map((facts) =>
      Number.isFinite(facts.readFromMs) ? facts : { ...facts, readFromMs: startedMs, readByMs: timeMs },
    );
  }

  #begin(startedMs: number): void {
    if (this.#scan !== undefined) this.abandoned++;
    this.#bytes = 0;
    this.#dumps = [];
    this.#namespaces = [];
    this.#dump = undefined;
    const holders = new Uint32Array(0);
    const [dumps, namespaces] = [this.#dumps, this.#namespaces];
    this.#scan = { kind: "scan", startedMs, timeMs: startedMs, cutMs: null, dumps, owners: [], holders, namespaces };
  }

  #takePackets({ block, count, flags, lengths, offsets, sources }: PacketBatch): void {
    const dump = this.#dump;
    if (dump === undefined) return;
    for (let i = 0; i < count; i++) {
      const { netns, family } = this.#reader.sources[sources[i]!]!;
      const answer = (flags[i]! & (PACKET.outgoing | PACKET.multicast)) === 0;
      if (family !== NETLINK_FAMILY.sockDiag || netns !== dump.netns || !answer) continue;
      const bytes = block.slice(offsets[i]!, offsets[i]! + lengths[i]!);
      this.#keep({ format: "sock_diag", netns, protocol: dump.protocol, bytes });
    }
  }

  #keep(dump: RecordedScan["dumps"][number]): void {
    this.#bytes += dump.bytes.length;
    if (this.#bytes <= MAX_SCAN_BYTES) this.#dumps.push(dump);
    else if (this.#scan !== undefined) {
      this.#scan = undefined;
      this.#dumps = [];
      this.abandoned++;
    }
  }
}

/** A million sockets take some 400 MiB. */
const MAX_SCAN_BYTES = 1024 * 1024 * 1024;

/** Cuts a run of messages between messages, so that no piece is longer than a packet may be. */
function* datagrams(bytes: Uint8Array): Generator<Uint8Array, void, undefined> {
  const cursor = new MessageCursor(bytes);
  let start = 0;
  while (cursor.nextWhole()) {
    if (cursor.end - start <= MAX_DATAGRAM_BYTES || cursor.offset === start) continue;
    yield bytes.subarray(start, cursor.offset);
    start = cursor.offset;
  }
  if (start < bytes.length) yield bytes.subarray(start);
}
