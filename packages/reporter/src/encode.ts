/** Encodes reports for the sinks, in the pipeline worker: the host thread never pays for it. */
import { gzipSync } from "node:zlib";
import type { ReportContent } from "@conntrail/model";
import { createScopeAliases, encodeDot, encodeJson, encodeScope, encodeTable } from "@conntrail/report";
import type { ReportFormat, SinkEncoding } from "./sinks/sink.ts";

/** Level 1: on a report it is several times as fast as the default and little larger. */
const GZIP_LEVEL = 1;

/** The bytes of each encoding, in order. Every array is alone in its buffer and can be transferred. */
export type EncodeAll = (content: ReportContent) => Uint8Array<ArrayBuffer>[];

/** An encoder for a sequence of reports: which backend a virtual address is a copy of stays the same from one to the next (F32). */
export function sequenceEncoder(encodings: readonly SinkEncoding[]): EncodeAll {
  const aliases = createScopeAliases();
  const encoders: Readonly<Record<ReportFormat, (content: ReportContent) => Uint8Array<ArrayBuffer>>> = {
    json: encodeJson,
    scope: (content) => encodeScope(content, { aliases }),
    table: encodeTable,
    dot: encodeDot,
  };
  return (content) =>
    encodings.map(({ format, gzip }) => {
      const bytes = encoders[format](content);
      return gzip ? Uint8Array.from(gzipSync(bytes, { level: GZIP_LEVEL })) : bytes;
    });
}
