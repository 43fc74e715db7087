/** One scan after another, on the calling thread: what the pool's thread runs. Keeps between scans what makes the next one cheap. */
import type { NamespaceWay, SocketTable } from "@conntrail/model";
import { type FoundNamespace, findNamespaces, isChosen, readCpuTime, UserNames } from "@conntrail/procfs";
import { steadyMs } from "@conntrail/thread/clock";
import { Acceptors } from "./acceptors.ts";
import { TCP_INFO_SOCKETS } from "./dump-namespace.ts";
import { EndLook, type LookedEnds } from "./end-look.ts";
import { EnteredSince } from "./entered-since.ts";
import { type FirstPass, firstPass } from "./first-pass.ts";
import { effectiveHidepid, showsOwnPidsOnly, whyDenied } from "./hindrance.ts";
import { NamespaceBook } from "./namespace-facts.ts";
import { type MayBeStill, type ScanSettings, settingsOf } from "./options.ts";
import { ownNamespace } from "./own-namespace.ts";
import { OwnerBook } from "./owner-book.ts";
import { OwnerSearch } from "./owner-search.ts";
import type { ProcessEntry } from "./process-entry.ts";
import type { ScanFacts, ScanRecord } from "./scan-record.ts";
import { type ScanRequest, ScanWork } from "./scan-work.ts";
import { Stillness } from "./stillness.ts";
import { Survey } from "./survey.ts";
import type { TableFrame } from "./table-builder.ts";
import { ToldProcesses } from "./told-processes.ts";

/** What one scan gives. */
export interface ScanResult {
  readonly table: SocketTable;
  /** Everything that was taken in, when that was asked for. */
  readonly record: ScanRecord | undefined;
  /** Milliseconds of CPU that it took, or of time where the kernel does not count CPU. */
  readonly cpuMs: number;
  /** Milliseconds spent on sockets and on their owners. */
  readonly socketsMs: number;
  readonly ownersMs: number;
  /** What the owners cost: descriptors read, and for three that were merely listed one. */
  readonly descriptors: number;
  /** Threads that read them: several in a first pass over very many. */
  readonly threads: number;
}

/** Scans. Not reentrant: one scan at a time. Holds no file and no socket between scans. */
export class Scanner {
  readonly #settings: ScanSettings;
  readonly #owners: OwnerSearch;
  readonly #users: UserNames;
  readonly #namespaces: NamespaceBook;
  readonly #survey: Survey;
  readonly #acceptors: Acceptors;
  readonly #stillness: Stillness;
  /** The namespaces of the last scan, or of the last look for new ones. */
  #found: readonly FoundNamespace[] = [];
  /** Those that were not chosen too. */
  #known: readonly FoundNamespace[] = [];
  /** Processes that such looks have found. */
  #met: ProcessEntry[] = [];
  readonly #entered = new EnteredSince();
  readonly #told = new ToldProcesses();
  readonly #look: EndLook;
  #scans = 0;
  #expected = 1024;

  constructor(settings: Partial<ScanSettings> = {}) {
    this.#settings = settingsOf(settings);
    this.#owners = new OwnerSearch(this.#settings.root);
    this.#users = new UserNames(this.#settings.root);
    this.#namespaces = new NamespaceBook(this.#settings.root);
    this.#survey = new Survey(this.#settings.root, this.#owners.processes);
    this.#acceptors = new Acceptors(this.#owners);
    this.#look = new EndLook(this.#settings.root);
    const { root, tcpInfo } = this.#settings;
    this.#stillness = new Stillness(
      root,
      tcpInfo === "auto" ? TCP_INFO_SOCKETS : tcpInfo ? Number.POSITIVE_INFINITY : 0,
    );
  }

  /**
   * Whether the last table is as good as a new one would be, as far as others and the kernel's counters tell. Costs a few files a namespace. What others know of processes is kept
   * for the scan that follows if it is not. Throws OpError.
   */
  isStill(known: MayBeStill | undefined): boolean {
    this.#entered.take(known?.entered);
    this.#told.take(known?.processes);
    if (!known?.nothingTold || !this.#stillness.isBelieved(steadyMs())) return false;
    if (!this.#areNamespacesKnown()) {
      this.#met.push(...this.#owners.processes.refresh(this.#scans, this.#told.begin()));
      this.#found = this.#find();
    }
    const inTurns = this.#entered.isTold;
    this.#entered.begin();
    return this.#stillness.hasSameCounters(this.#found, inTurns);
  }

  /** Where it is told what processes enter, they need not be walked through for it. */
  #areNamespacesKnown(): boolean {
    const { isTold } = this.#entered;
    // Asked each time, because it remembers when it was.
    if (this.#stillness.hasSameProcesses()) return true;
    return isTold && (this.#settings.namespaces === "own" || this.#entered.areAllAmong(this.#known));
  }

  /**
   * Who holds the sockets of single ends now: `count` rows of the trace, whose local end may be on this host. By what the last scan knows of
   * namespaces and processes; without one, nobody. Throws OpError.
   */
  look(rows: Uint32Array, count: number): { readonly ends: LookedEnds; readonly cpuMs: number } {
    const cpuMs = this.#stopwatch();
    const scans = this.#scans;
    const asked = scans === 0 || !this.#settings.processes ? [] : this.#look.ask(rows, count);
    const inodes = asked.map(({ inode }) => inode);
    this.#owners.findNow(inodes, scans);
    const book = this.#book(scans);
    const holders = { owners: book.owners, find: (inode: number) => book.find(inode, false) };
    return { ends: this.#look.tell(rows, asked, holders), cpuMs: cpuMs() };
  }

  /** Scans once. Rejects with OpError. */
  async scan(request: ScanRequest = {}): Promise<ScanResult> {
    const startedMs = steadyMs();
    const began = performance.now();
    const cpuMs = this.#stopwatch();
    const work = new ScanWork(this.#settings, request, this.#expected);
    const scans = ++this.#scans;
    const costBefore = this.#owners.cost;
    const before = this.#stillness.before(startedMs);
    this.#entered.begin();
    const processes = this.#owners.processes.refresh(scans, this.#told.begin());
    const fresh = [...this.#stillThere(this.#met.splice(0)), ...processes, ...this.#survey.run(scans)];
    this.#found = this.#find();
    const counters = this.#stillness.counters(this.#found);
    await work.dumpAll(this.#found, this.#namespaces);
    if (work.gone.size > 0) await this.#goOtherWays(work);
    const timeMs = steadyMs();
    const dumped = performance.now();
    const inodes = work.builder.inodes();
    const { descriptors, helpersCpuMs, threads } = await this.#readAhead(scans === 1 ? fresh : []);
    if (this.#settings.processes) {
      this.#owners.update(inodes, fresh, descriptors, scans);
      this.#acceptors.learn(work.builder);
      this.#owners.elsewhere.run(work.known);
    }
    const book = this.#book(scans);
    const holders = request.record
      ? book.triples(inodes.keys().sort(), (inode) => work.builder.listens(inode))
      : undefined;
    const owned = performance.now();
    const facts = this.#facts(work, scans, owned - began);
    const frame = { startedMs, timeMs, cutMs: timeMs, namespaces: work.namespaces, facts };
    const record = holders && this.#record(work, frame, book, holders);
    const ways = waysInto(this.#found);
    const table = { ...work.builder.finish(book, frame), ...(ways.length > 0 && { ways }) };
    this.#look.learn(this.#found, work.namespaces);
    this.#expected = Math.ceil(table.count * 1.1) + 64;
    const spentMs = cpuMs() + helpersCpuMs;
    this.#stillness.scanned({ ...before, counters }, spentMs);
    return {
      table,
      record,
      cpuMs: spentMs,
      socketsMs: dumped - began,
      ownersMs: performance.now() - dumped,
      descriptors: this.#owners.cost - costBefore,
      threads,
    };
  }

  /** After the dumps, as all reading of descriptors: who holds a socket that was listed is then found. */
  #readAhead(processes: readonly ProcessEntry[]): Promise<FirstPass> {
    const { root, threads, processes: ownersWanted } = this.#settings;
    const { sizeTells } = this.#owners.processes;
    return firstPass({ root, processes: ownersWanted ? processes : [], sizeTells, threads });
  }

  #stillThere(processes: readonly ProcessEntry[]): ProcessEntry[] {
    if (processes.length === 0) return [];
    const all = new Set(this.#owners.processes.values());
    return processes.filter((process) => all.has(process));
  }

  #book(scans: number): OwnerBook {
    return new OwnerBook({ ...this.#settings, users: this.#users }, this.#owners, this.#acceptors, scans);
  }

  /** Milliseconds of this thread's CPU since the call, or of time where the kernel does not count CPU. */
  #stopwatch(): () => number {
    const { root } = this.#settings;
    const began = performance.now();
    const cpuBegan = readCpuTime(root, "thread-self");
    return () => {
      const cpu = readCpuTime(root, "thread-self");
      return cpu === undefined || cpuBegan === undefined ? performance.now() - began : cpu - cpuBegan;
    };
  }

  /** A way may end before its namespace does: a process that nobody has waited for yet leads nowhere, and another one, or a mount, may. */
  async #goOtherWays(work: ScanWork): Promise<void> {
    const gone = new Set(work.gone);
    for (const netns of gone) this.#forget(netns);
    this.#found = this.#find();
    const others = this.#found.filter(({ netns }) => gone.has(netns));
    await work.dump(others, this.#namespaces);
    for (const netns of work.gone) this.#forget(netns);
  }

  /** What is known of a namespace led nowhere: it is looked for anew. */
  #forget(netns: number): void {
    this.#owners.processes.readNamespacesOf(netns);
    this.#owners.forgetNamespace(netns);
    this.#survey.mounted.delete(netns);
  }

  #find(): readonly FoundNamespace[] {
    const { root, namespaces } = this.#settings;
    const own = ownNamespace(root);
    if (namespaces === "own") return [own];
    const { processes, namespaceFiles, elsewhere } = this.#owners;
    const others = [...namespaceFiles, ...this.#survey.mounted, ...elsewhere.files];
    this.#known = [own, ...findNamespaces(root, own.netns, processes.values(), others)];
    if (namespaces === "all") return this.#known;
    return this.#known.filter((each) => isChosen(namespaces, own.netns, each));
  }

  #facts(work: ScanWork, scans: number, durationMs: number): ScanFacts {
    const { processes: ownersWanted, states, maxSockets, root } = this.#settings;
    const { processes } = this.#owners;
    return {
      scans,
      durationMs,
      backend: work.backend,
      states,
      maxSockets,
      ownersWanted,
      procReadable: processes.readable,
      hidepid: effectiveHidepid(root),
      processes: processes.size,
      denied: this.#owners.denied(),
      obstacle: whyDenied(root, processes.values()),
      ownPids: showsOwnPidsOnly(root),
      unreachable: work.unreachable,
      unreadable: work.broken + processes.unreadable + this.#namespaces.unreadable,
    };
  }

  #record(work: ScanWork, frame: TableFrame, book: OwnerBook, holders: Uint32Array): ScanRecord {
    const namespaces = frame.namespaces.map((facts) => ({ ...facts, addresses: facts.addresses.slice() }));
    return { kind: "scan", ...frame, namespaces, dumps: work.dumps, owners: [...book.owners], holders };
  }
}

/** What a walk of processes does not show: only a thread, a mount, a descriptor or a socket leads there. */
function waysInto(found: readonly FoundNamespace[]): NamespaceWay[] {
  return found.flatMap(({ netns, path, process }) =>
    path === undefined || typeof process === "number" ? [] : [[netns, path] as const],
  );
}
