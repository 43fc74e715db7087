/**
 * Records what the pipeline takes in, as it came and in its order (docs/capture-format.md): conntrack's events and dumps and the dumps of
 * sock_diag as netlink, all else beside them. It runs in the pipeline worker, between the sources and the stages.
 *
 * Replay makes the same batches of flows again by ending each where it ended live: behind the messages that led to it.
 */
import {
  type CaptureRecord,
  type CaptureWriter,
  createCaptureWriter,
  type Json,
  scanRecords,
} from "@conntrail/capture";
import type { RawChunk } from "@conntrail/ingest";
import type {
  ContainersHealth,
  FlowBatch,
  HostFacts,
  NamespaceFacts,
  ReportContent,
  SocketTable,
  TraceBatch,
} from "@conntrail/model";
import { NETLINK_FAMILY } from "@conntrail/netlink";
import { readNetNamespace } from "@conntrail/procfs";
import type { ScanRecord } from "@conntrail/scan";
import type { ContainerSource, NameSource } from "@conntrail/stages";
import { type Observable, Subject } from "rxjs";
import type { PipelineOptions } from "../options/pipeline-options.ts";
import type { RecordProgress, RecordSettings } from "./record-options.ts";
import { RecordedContainers } from "./recorded-containers.ts";
import { type RecordedNames, recordNames } from "./recorded-names.ts";
import { writeRaw } from "./write-raw.ts";

/** What a recorder needs to know beside what is recorded. */
export interface RecorderContext {
  readonly options: PipelineOptions;
  readonly host: () => HostFacts;
  readonly names: NameSource;
  readonly containers: ContainerSource;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Number of the first report; above 1 the pipeline was restarted, and what was recorded before must stay. */
  readonly firstSequence: number;
}

/** Opens the file. Rejects with OpError when it cannot be created. */
export async function openRecorder(settings: RecordSettings, context: RecorderContext): Promise<Recorder> {
  const recorder: { current?: Recorder } = {};
  const { path, compress, rotateBytes, rotateMs } = settings;
  const own = readNetNamespace(context.options.procRoot, "self");
  const writer = await createCaptureWriter(pathOf(path, context.firstSequence), {
    ...(compress === undefined ? {} : { compress }),
    ...(rotateBytes === undefined ? {} : { rotateBytes }),
    ...(rotateMs === undefined ? {} : { rotateMs }),
    ...(own === undefined ? {} : { interfaces: [{ netns: own, family: NETLINK_FAMILY.netfilter }] }),
    snapshot: (timeMs) => recorder.current?.snapshot(timeMs) ?? [],
  });
  recorder.current = new Recorder(writer, context);
  return recorder.current;
}

/** A restarted pipeline records into a file of its own, for instance `x-from-17.pcapng` when report 17 was next. */
function pathOf(path: string, firstSequence: number): string {
  if (firstSequence === 1) return path;
  const [, stem = path, suffix = ""] = /^(.*?)((?:\.pcapng|\.pcap|\.cap)?(?:\.gz)?)$/s.exec(path) ?? [];
  return `${stem}-from-${firstSequence}${suffix}`;
}

/** A recording under way. Nothing in it waits or throws: what cannot be written is counted. */
export class Recorder {
  /** Where the pipeline gets its names from, so that they are recorded as they are attached. */
  readonly names: RecordedNames;
  /** The same for containers. */
  readonly containers: RecordedContainers;
  /** A file begins that is not the first: it lacks the flows that are open, until a dump shows them. */
  readonly rotated$: Observable<void>;
  readonly #rotated = new Subject<void>();
  readonly #writer: CaptureWriter;
  readonly #context: RecorderContext;
  /** By inode: what is known of each namespace, for the next file. */
  readonly #namespaces = new Map<number, NamespaceFacts>();
  #containersHealth: ContainersHealth | undefined;
  #leftOut = 0;
  #files = 0;
  #ending = false;
  #failure: unknown;

  /** Use `openRecorder`. */
  constructor(writer: CaptureWriter, context: RecorderContext) {
    this.#writer = writer;
    this.#context = context;
    this.names = recordNames(context.names);
    this.containers = new RecordedContainers(context.containers);
    this.rotated$ = this.#rotated.asObservable();
  }

  /** What the ingest read. */
  raw(chunk: RawChunk): void {
    writeRaw(this.#writer, chunk);
    if (chunk.dropped <= this.#leftOut) return;
    const count = chunk.dropped - this.#leftOut;
    this.#leftOut = chunk.dropped;
    const timeMs = chunk.timesMs[chunk.count - 1] ?? this.#context.now();
    this.#loss(timeMs, "recorder", count);
  }

  /** A batch that the ingest handed on, made of the messages that came before it. */
  batch({ timeMs, health, cutMs }: FlowBatch): void {
    this.#writer.write({ kind: "health", timeMs, part: "conntrack", health, cutMs });
  }

  /** What the trace told, ahead of what follows it. */
  trace(batch: TraceBatch): void {
    this.#writer.write({ kind: "trace", timeMs: batch.timeMs, batch });
  }

  /** What a scan took in; its table follows. */
  scan(scan: ScanRecord): void {
    this.#know(scan.namespaces);
    for (const record of scanRecords(scan)) this.#writer.write(record);
  }

  /** A table of an injected scanner. */
  table(table: SocketTable): void {
    this.#know(table.namespaces);
    this.#writer.write({ kind: "sockets", timeMs: table.timeMs, table });
  }

  /** The ingest failed and is started anew: its flows are forgotten. */
  restarted(): void {
    this.#leftOut = 0;
    this.#loss(this.#context.now(), "restart", null);
  }

  /** The next report is the last. */
  ending(): void {
    this.#ending = true;
  }

  /** A report was made, its times moved by `wallAheadMs` to those of the wall clock. */
  report(content: ReportContent, wallAheadMs: number): void {
    const timeMs = content.window.endMs - wallAheadMs;
    const answers = this.names.takeChanges();
    if (answers.length > 0) this.#writer.write({ kind: "names", timeMs, answers });
    const { containers } = content.health;
    if (containers !== undefined) {
      this.#containersHealth = containers;
      this.#writer.write({ kind: "containers", timeMs, answers: this.containers.takeChanges(), health: containers });
    }
    // Beside the account: the ports that the resolver's own queries leave from.
    const health = { ...content.health.names, ownPorts: [...(this.names.ownPorts?.() ?? [])] };
    this.#writer.write({ kind: "health", timeMs, part: "names", health });
    this.#writer.write({ kind: "tick", timeMs, final: this.#ending, wallAheadMs });
  }

  /** How the recording stands. */
  get progress(): RecordProgress {
    const { counts } = this.#writer;
    const failure = this.#writer.failure ?? this.#failure;
    return {
      packets: counts.packets,
      records: counts.sidecars,
      dropped: counts.dropped + this.#leftOut,
      files: counts.files,
      bytes: counts.writtenBytes,
      failure: failure === undefined ? null : failure instanceof Error ? failure.message : String(failure),
    };
  }

  /** Writes what is left and completes the file. Never rejects: `progress` says what failed. */
  async close(): Promise<void> {
    await this.#writer.close().catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  /** What a file begins with, so that it can be read without those before it. What flows were there is told by the dump that it asks for. */
  *snapshot(timeMs: number): Generator<CaptureRecord, void, undefined> {
    yield { kind: "host", timeMs, host: this.#context.host() };
    yield { kind: "options", timeMs, options: plainOptions(this.#context.options) };
    if (this.#files++ === 0) return;
    this.#rotated.next();
    const restart = {
      kind: "loss",
      timeMs,
      cause: "restart",
      netns: 0,
      family: 0,
      sinceMs: timeMs,
      count: null,
    } as const;
    yield restart;
    for (const facts of this.#namespaces.values()) yield { kind: "namespace", timeMs, facts };
    const answers = this.names.all();
    if (answers.length > 0) yield { kind: "names", timeMs, answers };
    const health = this.#containersHealth;
    if (health !== undefined) yield { kind: "containers", timeMs, answers: this.containers.all(), health };
  }

  #loss(timeMs: number, cause: "restart" | "recorder", count: number | null): void {
    this.#writer.write({ kind: "loss", timeMs, cause, netns: 0, family: 0, sinceMs: timeMs, count });
  }

  #know(namespaces: readonly NamespaceFacts[]): void {
    this.#namespaces.clear();
    for (const facts of namespaces) this.#namespaces.set(facts.netns, { ...facts, addresses: facts.addresses.slice() });
  }
}

/** The options without what is not said. */
function plainOptions(options: PipelineOptions): { readonly [name: string]: Json } {
  const { record: _record, ...said } = options;
  return JSON.parse(JSON.stringify(said)) as { readonly [name: string]: Json };
}
