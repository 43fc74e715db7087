/** CTA_PROTOINFO: the state of TCP, SCTP and DCCP. Source: `to_nlattr` in net/netfilter/nf_conntrack_proto_{tcp,sctp,dccp}.c. */
import type { AttributeCursor } from "./attribute.ts";
import type { ConntrackProtoInfo, TcpFlags } from "./conntrack-message.ts";
import type { MessageWriter } from "./message-writer.ts";
import {
  CTA,
  CTA_PROTOINFO,
  CTA_PROTOINFO_DCCP,
  CTA_PROTOINFO_SCTP,
  CTA_PROTOINFO_TCP,
} from "./nfnetlink-conntrack-enum.ts";

type Tcp = Extract<ConntrackProtoInfo, { kind: "tcp" }>;
type Sctp = Extract<ConntrackProtoInfo, { kind: "sctp" }>;
type Dccp = Extract<ConntrackProtoInfo, { kind: "dccp" }>;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Decodes the attributes inside CTA_PROTOINFO; `undefined` for a protocol this does not know, and without a state. */
export function decodeProtoInfo(at: AttributeCursor): ConntrackProtoInfo | undefined {
  let info: ConntrackProtoInfo | undefined;
  while (at.next()) {
    switch (at.type) {
      case CTA_PROTOINFO.tcp:
        info = decodeTcp(at.nested("tcp")) ?? info;
        break;
      case CTA_PROTOINFO.sctp:
        info = decodeSctp(at.nested("sctp")) ?? info;
        break;
      case CTA_PROTOINFO.dccp:
        info = decodeDccp(at.nested("dccp")) ?? info;
        break;
    }
  }
  return info;
}

/** Writes CTA_PROTOINFO. */
export function encodeProtoInfo(writer: MessageWriter, info: ConntrackProtoInfo): void {
  const outer = writer.beginNested(CTA.protoInfo);
  const inner = writer.beginNested(CTA_PROTOINFO[info.kind]);
  switch (info.kind) {
    case "tcp":
      encodeTcp(writer, info);
      break;
    case "sctp":
      writer.u8(CTA_PROTOINFO_SCTP.state, info.state);
      if (info.originalTag !== undefined) writer.u32be(CTA_PROTOINFO_SCTP.vtagOriginal, info.originalTag);
      if (info.replyTag !== undefined) writer.u32be(CTA_PROTOINFO_SCTP.vtagReply, info.replyTag);
      break;
    case "dccp":
      writer.u8(CTA_PROTOINFO_DCCP.state, info.state);
      if (info.role !== undefined) writer.u8(CTA_PROTOINFO_DCCP.role, info.role);
      if (info.handshakeSequence !== undefined) {
        writer.u64be(CTA_PROTOINFO_DCCP.handshakeSequence, info.handshakeSequence);
      }
      break;
  }
  writer.endNested(inner);
  writer.endNested(outer);
}

function encodeTcp(writer: MessageWriter, info: Tcp): void {
  writer.u8(CTA_PROTOINFO_TCP.state, info.state);
  const { originalWindowScale, replyWindowScale, originalFlags, replyFlags } = info;
  if (originalWindowScale !== undefined) writer.u8(CTA_PROTOINFO_TCP.windowScaleOriginal, originalWindowScale);
  if (replyWindowScale !== undefined) writer.u8(CTA_PROTOINFO_TCP.windowScaleReply, replyWindowScale);
  if (originalFlags !== undefined) writer.bytesOf(CTA_PROTOINFO_TCP.flagsOriginal, flagBytes(originalFlags));
  if (replyFlags !== undefined) writer.bytesOf(CTA_PROTOINFO_TCP.flagsReply, flagBytes(replyFlags));
}

function decodeTcp(at: AttributeCursor): Tcp | undefined {
  const info: Partial<Writable<Tcp>> = {};
  while (at.next()) {
    switch (at.type) {
      case CTA_PROTOINFO_TCP.state:
        info.state = at.u8("state");
        break;
      case CTA_PROTOINFO_TCP.windowScaleOriginal:
        info.originalWindowScale = at.u8("wscale-original");
        break;
      case CTA_PROTOINFO_TCP.windowScaleReply:
        info.replyWindowScale = at.u8("wscale-reply");
        break;
      case CTA_PROTOINFO_TCP.flagsOriginal:
        info.originalFlags = decodeFlags(at, "flags-original");
        break;
      case CTA_PROTOINFO_TCP.flagsReply:
        info.replyFlags = decodeFlags(at, "flags-reply");
        break;
    }
  }
  const { state } = info;
  return state === undefined ? undefined : { kind: "tcp", ...info, state };
}

function decodeSctp(at: AttributeCursor): Sctp | undefined {
  const info: Partial<Writable<Sctp>> = {};
  while (at.next()) {
    switch (at.type) {
      case CTA_PROTOINFO_SCTP.state:
        info.state = at.u8("state");
        break;
      case CTA_PROTOINFO_SCTP.vtagOriginal:
        info.originalTag = at.u32be("vtag-original");
        break;
      case CTA_PROTOINFO_SCTP.vtagReply:
        info.replyTag = at.u32be("vtag-reply");
        break;
    }
  }
  const { state } = info;
  return state === undefined ? undefined : { kind: "sctp", ...info, state };
}

function decodeDccp(at: AttributeCursor): Dccp | undefined {
  const info: Partial<Writable<Dccp>> = {};
  while (at.next()) {
    switch (at.type) {
      case CTA_PROTOINFO_DCCP.state:
        info.state = at.u8("state");
        break;
      case CTA_PROTOINFO_DCCP.role:
        info.role = at.u8("role");
        break;
      case CTA_PROTOINFO_DCCP.handshakeSequence:
        info.handshakeSequence = at.u64be("handshake-seq");
        break;
    }
  }
  const { state } = info;
  return state === undefined ? undefined : { kind: "dccp", ...info, state };
}

function decodeFlags(at: AttributeCursor, name: string): TcpFlags {
  at.expect(2, name);
  return { flags: at.bytes[at.start]!, mask: at.bytes[at.start + 1]! };
}

function flagBytes(flags: TcpFlags): Uint8Array {
  return Uint8Array.of(flags.flags, flags.mask);
}
