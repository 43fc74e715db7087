/**
 * The `format` file of a tracepoint: its number and where each field lies in the raw data of a hit. Source:
 * Documentation/trace/events.rst. Offsets differ between kernels (`protocol` of `inet_sock_set_state` had 8 bits before Linux 5.6), so
 * none is assumed.
 */
import { DecodeError } from "@conntrail/netlink";

/** A field: bytes from the start of the raw data. */
export interface EventField {
  readonly offset: number;
  readonly bytes: number;
}

/** A tracepoint as this kernel describes it. */
export interface EventFormat {
  readonly id: number;
  readonly fields: ReadonlyMap<string, EventField>;
  /** Bytes that the fields take. */
  readonly bytes: number;
}

/** Nothing that the kernel describes is longer: raw data have 16 bits for their size. */
const MOST_BYTES = 0xffff;

/** Parses a format file. Throws DecodeError when it has no number. Lines of another form are passed over. */
export function parseEventFormat(text: string): EventFormat {
  const id = Number(/^ID: (\d{1,9})$/m.exec(text)?.[1] ?? Number.NaN);
  if (!Number.isSafeInteger(id)) throw new DecodeError("truncated", 0, "format", "expected a line ID: NUMBER");
  const fields = new Map<string, EventField>();
  let bytes = 0;
  for (const [, declaration, offsetText, sizeText] of text.matchAll(
    /^\tfield:([^;\n]*);\toffset:(\d{1,5});\tsize:(\d{1,5});/gm,
  )) {
    const name = /([A-Za-z_]\w*)(?:\[\w*\])?$/.exec(declaration!)?.[1];
    const offset = Number(offsetText);
    const size = Number(sizeText);
    if (name === undefined || offset + size > MOST_BYTES) continue;
    fields.set(name, { offset, bytes: size });
    bytes = Math.max(bytes, offset + size);
  }
  return { id, fields, bytes };
}

/** A field that must be there, with one of the sizes. Throws DecodeError. */
export function requireField(format: EventFormat, name: string, ...sizes: readonly number[]): EventField {
  const field = format.fields.get(name);
  if (field === undefined) throw new DecodeError("missing-attribute", 0, "format", `expected a field ${name}`);
  if (!sizes.includes(field.bytes)) {
    throw new DecodeError(
      "bad-length",
      0,
      `format: ${name}`,
      `expected ${sizes.join(" or ")} bytes, got ${field.bytes}`,
    );
  }
  return field;
}
