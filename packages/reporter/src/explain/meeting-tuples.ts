/** Which tuples are one connection's: those of its real ends, of what each side saw instead, and of one and the other, without direction. */
import type { ConnectionJson } from "@conntrail/report";

/** An end as text: `10.0.0.1:80`, `[fd00::1]:80`. */
export function endText(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The tuples of a connection. */
export class MeetingTuples {
  readonly #keys: ReadonlySet<string>;
  /** The ends by which the `from` side, and the `to` side, are known. */
  readonly from: readonly string[];
  readonly to: readonly string[];

  constructor({ protocol, from, to, nat }: ConnectionJson) {
    const real = { from: endText(from.address, from.port), to: endText(to.address, to.port) };
    const seen = nat?.visible;
    this.from = seen === undefined ? [real.from] : [real.from, endText(seen.from.address, seen.from.port)];
    this.to = seen === undefined ? [real.to] : [real.to, endText(seen.to.address, seen.to.port)];
    this.#keys = new Set(this.from.flatMap((one) => this.to.map((other) => keyOf(protocol, one, other))));
  }

  /** True for a tuple of the connection. */
  has(protocol: string, one: string, other: string): boolean {
    return this.#keys.has(keyOf(protocol, one, other));
  }

  /** Which side an end is of. */
  side(end: string): "from" | "to" {
    return this.from.includes(end) ? "from" : "to";
  }
}

function keyOf(protocol: string, one: string, other: string): string {
  return one < other ? `${protocol} ${one} ${other}` : `${protocol} ${other} ${one}`;
}
