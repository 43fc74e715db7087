/** Encoded blocks on their way to a file: gathered in chunks, bounded, written one after the other. */

/** Whole blocks that are written at once; in gzip one member. */
export interface Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  used: number;
  /** Number of the file it belongs to, from 1. */
  readonly file: number;
}

/** The chunks that wait, and the one that is being filled. */
export class ChunkQueue {
  /** Bytes that are encoded and not yet written. */
  pendingBytes = 0;
  /** Bytes that were ever encoded. */
  totalBytes = 0;
  readonly #chunkBytes: number;
  readonly #sealed: Chunk[] = [];
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #open: Chunk | undefined;

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  /** Room for a block of `bytes` in the open chunk: its beginning there. Seals the chunk before when the block does not fit or is of another file. */
  take(bytes: number, file: number): { readonly chunk: Chunk; readonly at: number } {
    const open = this.#open;
    if (open !== undefined && (open.file !== file || open.used + bytes > open.bytes.length)) this.seal();
    this.#open ??= this.#newChunk(bytes, file);
    const chunk = this.#open;
    const at = chunk.used;
    chunk.used += bytes;
    this.pendingBytes += bytes;
    this.totalBytes += bytes;
    return { chunk, at };
  }

  /** Ends the open chunk, if there is one: it is ready to be written. */
  seal(): void {
    if (this.#open !== undefined) this.#sealed.push(this.#open);
    this.#open = undefined;
  }

  /** The next chunk to write. */
  next(): Chunk | undefined {
    return this.#sealed.shift();
  }

  /** There are sealed chunks. */
  get waiting(): boolean {
    return this.#sealed.length > 0;
  }

  /** A chunk was written: its memory may be used again. */
  release(chunk: Chunk): void {
    this.pendingBytes -= chunk.used;
    if (chunk.bytes.length === this.#chunkBytes && this.#spare.length < SPARE_CHUNKS) this.#spare.push(chunk.bytes);
  }

  #newChunk(bytes: number, file: number): Chunk {
    const fits = bytes <= this.#chunkBytes;
    const memory = (fits ? this.#spare.pop() : undefined) ?? new Uint8Array(Math.max(bytes, this.#chunkBytes));
    return { bytes: memory, view: new DataView(memory.buffer), used: 0, file };
  }
}

const SPARE_CHUNKS = 4;
