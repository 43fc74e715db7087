/** Whether the records of a DNS message lie within it, which the decoder does not ask: RFC 1035 4.1.3. */

const HEADER_BYTES = 12; // HFIXEDSZ
/** Behind a question's name: type and class. Behind a record's: type, class, time to live, length. */
const QUESTION_BYTES = 4;
const RECORD_BYTES = 10;
const POINTER = 0xc0;

/** True when every question and record that the header counts is there, to its last byte. */
export function isWhole(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = HEADER_BYTES;
  for (let questions = view.getUint16(4); questions > 0 && at >= 0; questions--)
    at = skip(bytes, afterName(bytes, at), QUESTION_BYTES);
  for (let records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10); records > 0 && at >= 0; records--) {
    const data = skip(bytes, afterName(bytes, at), RECORD_BYTES);
    at = data < 0 ? data : skip(bytes, data, view.getUint16(data - 2));
  }
  return at >= 0;
}

/** Where a name ends that begins at `at`; negative when it does not end within the message. */
function afterName(bytes: Uint8Array, at: number): number {
  while (at >= 0 && at < bytes.length) {
    const length = bytes[at]!;
    if (length === 0) return at + 1;
    if ((length & POINTER) === POINTER) return skip(bytes, at, 2);
    at += 1 + length;
  }
  return -1;
}

function skip(bytes: Uint8Array, at: number, count: number): number {
  return at < 0 || at + count > bytes.length ? -1 : at + count;
}
