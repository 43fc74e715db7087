/** What `top` and `serve` keep to say why: people ask there. */

/** Bytes: some minutes of a quiet host, some seconds of a busy one. */
export const EXPLAIN_BUFFER: number = 64 * 1024 * 1024;
