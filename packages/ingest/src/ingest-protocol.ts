/** What the host and the ingest worker say to each other. Batches and chunks wait for an answer: the worker has credit for a few. */
import type { FlowBatch, NamespaceWay } from "@conntrail/model";
import type { ResolvedIngestOptions } from "./ingest-options.ts";
import type { RawChunk } from "./raw-tap.ts";

/** What the worker starts with. */
export interface IngestWorkerData {
  readonly options: ResolvedIngestOptions;
  /** Whether raw messages are wanted. */
  readonly tap: boolean;
}

/** Host to worker: a batch, or a chunk of raw messages, has been taken; dump every table once more; a batch with a cut of now, at once; namespaces that others have found; descriptors that the host waits for; whether it waits for each change; namespaces that processes have entered, as far as they are known. */
export type IngestCommand =
  | { readonly kind: "taken" | "raw-taken" | "dump" | "cut" }
  | { readonly kind: "ways"; readonly ways: readonly NamespaceWay[] }
  | { readonly kind: "entered"; readonly namespaces: ReadonlySet<number> | undefined }
  | { readonly kind: "hurry"; readonly hurried: boolean }
  | { readonly kind: "wait"; readonly fds: readonly number[] };

/** Worker to host. `readable`: one of the descriptors that the host waits for is. */
export type IngestMessage = FlowBatch | RawChunk | { readonly kind: "readable" };
