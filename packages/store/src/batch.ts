/** A batch of rows on its way to the server: made once, the same bytes wait in memory and on disk and go over the wire. */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGzip } from "node:zlib";
import type { RowBlock } from "./row-block.ts";

/** Rows, packed. */
export interface Batch {
  /** `<boot>-<number>`: the server takes a batch of one token once, however often it is sent. */
  readonly token: string;
  /** What is in the bytes: one block of all rows, or, of an earlier version's spool, lines without a header. */
  readonly format: "Native" | "TabSeparated";
  /** Gzipped. */
  readonly bytes: Uint8Array;
  readonly rows: number;
}

/** The fastest: columns are alike enough to shrink to an eighth by it. */
const GZIP_LEVEL = 1;
const PIECE_BYTES = 1 << 18;

/** Packs a block, off this thread; the block must not change meanwhile. */
export async function packBatch(token: string, block: RowBlock): Promise<Batch> {
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: PIECE_BYTES });
  const bytes = await buffer(Readable.from(block.pieces(), { objectMode: false }).pipe(gzip));
  return { token, format: "Native", bytes, rows: block.rows };
}

/** A life of the sink: 11 digits of its start in base 36, so that later ones sort behind, and 6 random ones. */
export function newBoot(nowMs: number, random: () => number = Math.random): string {
  const start = Math.floor(nowMs).toString(36).padStart(11, "0");
  return (
    start +
    Math.floor(random() * 36 ** 6)
      .toString(36)
      .padStart(6, "0")
  );
}

/** The token of batch `number` of a life. */
export function batchToken(boot: string, number: number): string {
  return `${boot}-${String(number).padStart(10, "0")}`;
}
