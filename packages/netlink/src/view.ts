/** DataViews over the same bytes as a Uint8Array, so that one offset serves both. */

/** A DataView in which offset 0 is the first byte of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
