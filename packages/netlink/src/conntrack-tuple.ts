/** CTA_TUPLE_*: addresses, protocol and its keys, zone. Source: net/netfilter/nf_conntrack_netlink.c and the protocols' `tuple_to_nlattr`. */
import type { AttributeCursor } from "./attribute.ts";
import type { ConntrackProto, ConntrackTuple } from "./conntrack-message.ts";
import type { MessageWriter } from "./message-writer.ts";
import { CTA_IP, CTA_PROTO, CTA_TUPLE } from "./nfnetlink-conntrack-enum.ts";

const IPPROTO_ICMPV6 = 58;

/** Decodes the attributes inside CTA_TUPLE_ORIG, CTA_TUPLE_REPLY or CTA_TUPLE_MASTER. */
export function decodeTuple(at: AttributeCursor): ConntrackTuple {
  let ends: Ends | undefined;
  let proto: ConntrackProto | undefined;
  let zone: number | undefined;
  while (at.next()) {
    switch (at.type) {
      case CTA_TUPLE.ip:
        ends = decodeEnds(at.nested("ip"));
        break;
      case CTA_TUPLE.proto:
        proto = decodeProto(at.nested("proto"));
        break;
      case CTA_TUPLE.zone:
        zone = at.u16be("zone");
        break;
    }
  }
  if (ends === undefined) throw at.error("missing-attribute", "expected ip");
  if (proto === undefined) throw at.error("missing-attribute", "expected proto");
  return zone === undefined ? { ...ends, proto } : { ...ends, proto, zone };
}

/** Writes a tuple as attribute `type`. Throws RangeError for an address that is neither 4 nor 16 bytes long. */
export function encodeTuple(writer: MessageWriter, type: number, tuple: ConntrackTuple): void {
  const outer = writer.beginNested(type);
  const ip = writer.beginNested(CTA_TUPLE.ip);
  writer.bytesOf(isV4(tuple.source) ? CTA_IP.v4Source : CTA_IP.v6Source, tuple.source);
  writer.bytesOf(isV4(tuple.destination) ? CTA_IP.v4Destination : CTA_IP.v6Destination, tuple.destination);
  writer.endNested(ip);
  const proto = writer.beginNested(CTA_TUPLE.proto);
  encodeProto(writer, tuple.proto);
  writer.endNested(proto);
  if (tuple.zone !== undefined) writer.u16be(CTA_TUPLE.zone, tuple.zone);
  writer.endNested(outer);
}

interface Ends {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

function decodeEnds(at: AttributeCursor): Ends {
  let source: Uint8Array | undefined;
  let destination: Uint8Array | undefined;
  while (at.next()) {
    switch (at.type) {
      case CTA_IP.v4Source:
        at.expect(4, "v4-src");
        source = at.copy();
        break;
      case CTA_IP.v4Destination:
        at.expect(4, "v4-dst");
        destination = at.copy();
        break;
      case CTA_IP.v6Source:
        at.expect(16, "v6-src");
        source = at.copy();
        break;
      case CTA_IP.v6Destination:
        at.expect(16, "v6-dst");
        destination = at.copy();
        break;
    }
  }
  if (source === undefined) throw at.error("missing-attribute", "expected a source address");
  if (destination === undefined) throw at.error("missing-attribute", "expected a destination address");
  if (source.length !== destination.length) throw at.error("bad-length", "expected addresses of one family, got two");
  return { source, destination };
}

function decodeProto(at: AttributeCursor): ConntrackProto {
  let number: number | undefined;
  let sourcePort: number | undefined;
  let destinationPort: number | undefined;
  let id: number | undefined;
  let type: number | undefined;
  let code: number | undefined;
  while (at.next()) {
    switch (at.type) {
      case CTA_PROTO.number:
        number = at.u8("num");
        break;
      case CTA_PROTO.sourcePort:
        sourcePort = at.u16be("src-port");
        break;
      case CTA_PROTO.destinationPort:
        destinationPort = at.u16be("dst-port");
        break;
      case CTA_PROTO.icmpId:
      case CTA_PROTO.icmpv6Id:
        id = at.u16be("icmp-id");
        break;
      case CTA_PROTO.icmpType:
      case CTA_PROTO.icmpv6Type:
        type = at.u8("icmp-type");
        break;
      case CTA_PROTO.icmpCode:
      case CTA_PROTO.icmpv6Code:
        code = at.u8("icmp-code");
        break;
    }
  }
  if (number === undefined) throw at.error("missing-attribute", "expected num");
  if (sourcePort !== undefined && destinationPort !== undefined) {
    return { kind: "ports", number, sourcePort, destinationPort };
  }
  if (id !== undefined && type !== undefined && code !== undefined) return { kind: "icmp", number, id, type, code };
  // Half a key would be a guess at the other half.
  if (sourcePort !== undefined || destinationPort !== undefined) {
    throw at.error("missing-attribute", "expected both ports, got one");
  }
  if (id !== undefined || type !== undefined || code !== undefined) {
    throw at.error("missing-attribute", "expected icmp-id, icmp-type and icmp-code");
  }
  return { kind: "other", number };
}

function encodeProto(writer: MessageWriter, proto: ConntrackProto): void {
  writer.u8(CTA_PROTO.number, proto.number);
  switch (proto.kind) {
    case "ports":
      writer.u16be(CTA_PROTO.sourcePort, proto.sourcePort);
      writer.u16be(CTA_PROTO.destinationPort, proto.destinationPort);
      break;
    case "icmp": {
      const v6 = proto.number === IPPROTO_ICMPV6;
      writer.u16be(v6 ? CTA_PROTO.icmpv6Id : CTA_PROTO.icmpId, proto.id);
      writer.u8(v6 ? CTA_PROTO.icmpv6Type : CTA_PROTO.icmpType, proto.type);
      writer.u8(v6 ? CTA_PROTO.icmpv6Code : CTA_PROTO.icmpCode, proto.code);
      break;
    }
    case "other":
      break;
  }
}

function isV4(address: Uint8Array): boolean {
  if (address.length !== 4 && address.length !== 16) {
    throw new RangeError(`an address has 4 or 16 bytes, not ${address.length}`);
  }
  return address.length === 4;
}
