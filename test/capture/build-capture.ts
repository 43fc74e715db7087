/**
 * Builds capture files byte by byte from the format descriptions (draft-ietf-opsawg-pcapng, pcap-savefile(5), LINKTYPE_NETLINK), in
 * either byte order and in ways that our own writer never uses. Shares nothing with the code under test.
 */

/** Writes numbers in one byte order. */
export function numbers(little: boolean): {
  u16(...values: number[]): Buffer;
  u32(...values: number[]): Buffer;
} {
  return {
    u16: (...values) => {
      const bytes = Buffer.alloc(2 * values.length);
      for (const [i, value] of values.entries())
        little ? bytes.writeUInt16LE(value, 2 * i) : bytes.writeUInt16BE(value, 2 * i);
      return bytes;
    },
    u32: (...values) => {
      const bytes = Buffer.alloc(4 * values.length);
      for (const [i, value] of values.entries())
        little ? bytes.writeUInt32LE(value, 4 * i) : bytes.writeUInt32BE(value, 4 * i);
      return bytes;
    },
  };
}

/** Padded to four bytes. */
function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

/** A netlink message: header in the order given, payload as it is. */
export function message(
  little: boolean,
  type: number,
  flags: number,
  payload: Uint8Array,
  ids: { readonly sequence?: number; readonly portId?: number } = {},
): Buffer {
  const { u16, u32 } = numbers(little);
  const length = 16 + payload.length;
  return padded(Buffer.concat([u32(length), u16(type, flags), u32(ids.sequence ?? 0, ids.portId ?? 0), payload]));
}

/** The header of LINKTYPE_NETLINK before a datagram. */
export function linked(family: number, datagram: Uint8Array, hardware = 824): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16BE(hardware, 2);
  header.writeUInt16BE(family, 14);
  return Buffer.concat([header, datagram]);
}

/** One option of a pcapng block. */
export type Option = readonly [code: number, value: Uint8Array];

/** Builds a pcapng file block by block. */
export class PcapngBuilder {
  readonly little: boolean;
  readonly blocks: Buffer[] = [];

  constructor(little = true) {
    this.little = little;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.blocks);
  }

  /** Any block. */
  block(type: number, ...body: readonly Uint8Array[]): this {
    const { u32 } = numbers(this.little);
    const inner = padded(Buffer.concat(body));
    this.blocks.push(Buffer.concat([u32(type, 12 + inner.length), inner, u32(12 + inner.length)]));
    return this;
  }

  section(version: readonly [number, number] = [1, 0], ...options: readonly Option[]): this {
    const { u16, u32 } = numbers(this.little);
    return this.block(
      0x0a0d0d0a,
      u32(0x1a2b3c4d),
      u16(...version),
      u32(0xffffffff, 0xffffffff),
      this.#options(options),
    );
  }

  interface(linkType = 253, ...options: readonly Option[]): this {
    const { u16, u32 } = numbers(this.little);
    return this.block(1, u16(linkType, 0), u32(0), this.#options(options));
  }

  /** An enhanced packet; `units` is the time in whatever the interface counts in. */
  packet(
    index: number,
    units: bigint,
    bytes: Uint8Array,
    options: readonly Option[] = [],
    fullLength = bytes.length,
  ): this {
    const { u32 } = numbers(this.little);
    const head = u32(index, Number(units >> 32n), Number(units & 0xffffffffn), bytes.length, fullLength);
    return this.block(6, head, padded(bytes), this.#options(options));
  }

  /** A custom block with the body given, enterprise number included. */
  custom(enterprise: number, body: Uint8Array): this {
    return this.block(0xbad, numbers(this.little).u32(enterprise), body);
  }

  /** One of our sidecar blocks, as docs/capture-format.md describes it. */
  sidecar(kind: number, micros: bigint, payload: string, version = 1): this {
    const { u16, u32 } = numbers(this.little);
    const text = Buffer.from(payload);
    const head = Buffer.concat([
      Buffer.from("conntrail\0"),
      u16(version, kind, 0),
      u32(Number(micros >> 32n), Number(micros & 0xffffffffn), text.length),
    ]);
    return this.custom(32473, Buffer.concat([head, text]));
  }

  #options(options: readonly Option[]): Buffer {
    if (options.length === 0) return Buffer.alloc(0);
    const { u16 } = numbers(this.little);
    const parts = options.map(([code, value]) => Buffer.concat([u16(code, value.length), padded(value)]));
    return Buffer.concat([...parts, u16(0, 0)]);
  }
}

/** A classic pcap file. Times are seconds and the fraction that the magic number stands for. */
export function pcap(
  little: boolean,
  magic: number,
  packets: readonly {
    readonly time: readonly [number, number];
    readonly bytes: Uint8Array;
    readonly fullLength?: number;
  }[],
  linkType = 253,
): Buffer {
  const { u16, u32 } = numbers(little);
  const head = Buffer.concat([u32(magic), u16(2, 4), u32(0, 0, 262144, linkType)]);
  const records = packets.map(({ time, bytes, fullLength }) =>
    Buffer.concat([u32(...time, bytes.length, fullLength ?? bytes.length), bytes]),
  );
  return Buffer.concat([head, ...records]);
}
