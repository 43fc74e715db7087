/** Decoded values as JSON that a person can check: addresses as text, other bytes in hexadecimal, 64-bit numbers as text with an `n`. */
import { formatAddress } from "@conntrail/model";

const ADDRESSES = new Set(["source", "destination"]);

/** The JSON text of a decoded value, ending in a newline. */
export function readable(value: unknown): string {
  return `${JSON.stringify(value, replace, 2)}\n`;
}

function replace(key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (!(value instanceof Uint8Array)) return value;
  return ADDRESSES.has(key) ? addressText(value) : Buffer.from(value).toString("hex");
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const text = formatAddress(new Uint32Array(Uint8Array.from(bytes).buffer));
  // A mapped address on the wire is not an IPv4 address.
  return text.includes(":") ? text : `::ffff:${text}`;
}
