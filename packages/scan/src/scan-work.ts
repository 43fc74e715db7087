/** What one scan is told, and what it gathers on its way through the namespaces. */
import type { NamespaceFacts } from "@conntrail/model";
import { OpError } from "@conntrail/netlink";
import type { FoundNamespace } from "@conntrail/procfs";
import { steadyMs } from "@conntrail/thread/clock";
import { dumpNamespace, type NamespaceDump } from "./dump-namespace.ts";
import type { NamespaceBook } from "./namespace-facts.ts";
import type { ScanSettings } from "./options.ts";
import type { ScanFacts, SocketDump } from "./scan-record.ts";
import { TableBuilder } from "./table-builder.ts";

/** What one scan is told. */
export interface ScanRequest {
  /** Keep everything that is taken in. */
  readonly record?: boolean;
  /** Asked between steps; true ends the scan with OpError ECANCELED. */
  readonly cancelled?: () => boolean;
}

/** What one scan gathers. */
export class ScanWork {
  readonly builder: TableBuilder;
  readonly namespaces: NamespaceFacts[] = [];
  readonly dumps: SocketDump[] = [];
  backend: ScanFacts["backend"] = "none";
  /** Inodes of the namespaces that were dumped, and of those into which the way that was known led no more. */
  readonly known: Set<number> = new Set();
  readonly gone: Set<number> = new Set();
  unreachable = 0;
  broken = 0;
  readonly #settings: ScanSettings;
  readonly #request: ScanRequest;

  constructor(settings: ScanSettings, request: ScanRequest, expected: number) {
    this.#settings = settings;
    this.#request = request;
    this.builder = new TableBuilder(settings, expected);
  }

  async dumpAll(found: readonly FoundNamespace[], book: NamespaceBook): Promise<void> {
    book.forgetAllBut(new Set(found.map(({ netns }) => netns)));
    await this.dump(found, book);
  }

  /** Those alone, and no longer `gone` unless they are found so. */
  async dump(namespaces: readonly FoundNamespace[], book: NamespaceBook): Promise<void> {
    for (const namespace of namespaces) {
      this.gone.delete(namespace.netns);
      if (this.#request.cancelled?.()) throw new OpError("scan", "ECANCELED");
      await this.#dumpOne(namespace, book);
    }
  }

  async #dumpOne(namespace: FoundNamespace, book: NamespaceBook): Promise<void> {
    const readFromMs = steadyMs();
    const dump = dumpNamespace(namespace, this.#settings, (part, offset, length) => {
      this.builder.add(part, offset, length);
      if (this.#request.record) this.dumps.push({ ...part, bytes: part.bytes.slice(offset, offset + length) });
    });
    const readByMs = steadyMs();
    this.broken += dump.broken;
    if (dump.outcome === "forbidden") this.unreachable++;
    if (dump.outcome === "gone") this.gone.add(namespace.netns);
    else this.known.add(namespace.netns);
    if (dump.outcome === "forbidden" || dump.outcome === "gone") return;
    if (this.backend === "none") this.backend = dump.outcome;
    const facts = await book.facts(namespace, {
      viaProc: usesProc(dump, this.#settings),
      ephemeral: dump.ephemeral,
      devices: this.builder.devices(namespace.netns) ?? NO_DEVICES,
      nowMs: readByMs,
    });
    const incomplete = dump.broken > 0 || this.builder.isFull;
    this.namespaces.push({ ...facts, readFromMs, readByMs, ...(incomplete && { incomplete }) });
  }
}

const NO_DEVICES: ReadonlySet<number> = new Set();

function usesProc(dump: NamespaceDump, settings: ScanSettings): boolean {
  return settings.backend === "proc" || dump.outcome === "proc";
}
