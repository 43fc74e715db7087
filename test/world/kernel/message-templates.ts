/**
 * Conntrack's messages as bytes, fast: each form is encoded once by the netlink package with marked values, and afterwards copied and patched. What comes
 * out is byte for byte what `encodeConntrack` gives.
 */
import { type ConntrackMessage, encodeConntrack } from "@conntrail/netlink";
import { addressOf, portOf } from "../truth/addresses.ts";
import type { Entry } from "../truth/lives.ts";

/** Kinds by their number: those of TOLD, then a row of a dump. */
const KINDS = ["new", "update", "destroy", "row"] as const;

interface Template {
  readonly bytes: Uint8Array;
  readonly addresses: readonly number[];
  readonly ports: readonly number[];
  readonly id: number;
  readonly status: number;
  readonly mark: number;
  readonly state: number;
}

const ADDRESS_MARK = 0xa1;
const WORDS = { id: 0xb1b2b3b4, status: 0xc1c2c3c4, mark: 0xd1d2d3d4 } as const;
const PORTS = [0xe1e2, 0xe3e4, 0xe5e6, 0xe7e8] as const;
const STATE = 0xf9;

const templates = new Map<number, Template>();

/** Writes a message at `offset`, which must be a multiple of 4. Returns where it ends, rounded up to 4. `state` -1: none is told. */
export function writeMessage(
  to: Uint8Array,
  offset: number,
  kind: number,
  entry: Entry,
  state: number,
  status: number,
): number {
  const { family } = addressOf(entry.original[0]);
  const template = templateFor(kind, entry.life.protocol, family, state >= 0);
  to.set(template.bytes, offset);
  const ends = [entry.original[0], entry.original[1], entry.reply[0], entry.reply[1]];
  for (let i = 0; i < 4; i++) {
    to.set(addressOf(ends[i]!).bytes, offset + template.addresses[i]!);
    const port = portOf(ends[i]!);
    to[offset + template.ports[i]!] = port >>> 8;
    to[offset + template.ports[i]! + 1] = port;
  }
  writeWord(to, offset + template.id, entry.id);
  writeWord(to, offset + template.status, status);
  writeWord(to, offset + template.mark, entry.life.number);
  if (state >= 0) to[offset + template.state] = state;
  return offset + ((template.bytes.length + 3) & ~3);
}

function writeWord(to: Uint8Array, at: number, value: number): void {
  to[at] = value >>> 24;
  to[at + 1] = value >>> 16;
  to[at + 2] = value >>> 8;
  to[at + 3] = value;
}

function templateFor(kind: number, protocol: number, family: 4 | 6, stated: boolean): Template {
  const key = kind | (protocol << 4) | (family << 12) | (stated ? 1 << 16 : 0);
  let template = templates.get(key);
  if (template === undefined) {
    template = makeTemplate(KINDS[kind]!, protocol, family, stated);
    templates.set(key, template);
  }
  return template;
}

function makeTemplate(kind: ConntrackMessage["kind"], number: number, family: 4 | 6, stated: boolean): Template {
  const length = family === 4 ? 4 : 16;
  const address = (i: number): Uint8Array => new Uint8Array(length).fill(ADDRESS_MARK + i);
  const ports = (from: number): ConntrackMessage["original"]["proto"] => {
    return { kind: "ports", number, sourcePort: PORTS[from]!, destinationPort: PORTS[from + 1]! };
  };
  const bytes = encodeConntrack({
    kind,
    family: family === 4 ? 2 : 10,
    original: { source: address(0), destination: address(1), proto: ports(0) },
    reply: { source: address(2), destination: address(3), proto: ports(2) },
    ...WORDS,
    timeout: 100,
    ...(stated ? { protoInfo: { kind: "tcp", state: STATE } } : {}),
  });
  const big = (value: number, width: number): number[] =>
    Array.from({ length: width }, (_, i) => (value >>> (8 * (width - 1 - i))) & 0xff);
  return {
    bytes,
    addresses: [0, 1, 2, 3].map((i) => find(bytes, [...address(i)])),
    ports: PORTS.map((port) => find(bytes, big(port, 2))),
    id: find(bytes, big(WORDS.id, 4)),
    status: find(bytes, big(WORDS.status, 4)),
    mark: find(bytes, big(WORDS.mark, 4)),
    state: stated ? find(bytes, [STATE]) : -1,
  };
}

/** The only place of a sequence. Throws RangeError when it is not the only one. */
function find(bytes: Uint8Array, sequence: readonly number[]): number {
  const places = Array.from(bytes.keys()).filter((at) => sequence.every((byte, i) => bytes[at + i] === byte));
  if (places.length !== 1) throw new RangeError(`${places.length} places in a template: ${sequence.join(" ")}`);
  return places[0]!;
}
