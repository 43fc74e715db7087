/** The kernel's own words in NLMSG_ERROR and NLMSG_DONE: extended acknowledgements, netlink(7) and `linux/netlink.h`. */
import { align4 } from "../align.ts";
import { LITTLE_ENDIAN } from "../byte-order.ts";
import {
  NLA_HEADER_BYTES,
  NLA_TYPE_MASK,
  NLM_FLAG,
  NLMSG_HEADER_BYTES,
  NLMSG_OFFSET,
  NLMSG_TYPE,
  NLMSGERR_ATTR,
} from "../netlink-enum.ts";

/** The text of NLMSGERR_ATTR_MSG in the message at `start`…`end` of `bytes`; `undefined` when it has none. */
export function errorMessage(bytes: Uint8Array, view: DataView, start: number, end: number): string | undefined {
  let position = attributesStart(view, start);
  while (position + NLA_HEADER_BYTES <= end) {
    const length = view.getUint16(position, LITTLE_ENDIAN);
    if (length < NLA_HEADER_BYTES || position + length > end) return undefined;
    if ((view.getUint16(position + 2, LITTLE_ENDIAN) & NLA_TYPE_MASK) === NLMSGERR_ATTR.message) {
      const text = new TextDecoder().decode(bytes.slice(position + NLA_HEADER_BYTES, position + length));
      return text.replace(/\0+$/, "");
    }
    position += align4(length);
  }
  return undefined;
}

/** `struct nlmsgerr` is the error number and the request's header, followed by the rest of the request unless NLM_F_CAPPED is set. */
function attributesStart(view: DataView, start: number): number {
  const payload = start + NLMSG_HEADER_BYTES;
  const flags = view.getUint16(start + NLMSG_OFFSET.flags, LITTLE_ENDIAN);
  if (view.getUint16(start + NLMSG_OFFSET.type, LITTLE_ENDIAN) === NLMSG_TYPE.done) return payload + 4;
  if ((flags & NLM_FLAG.ackTlvs) === 0) return Number.MAX_SAFE_INTEGER;
  const header = payload + 4;
  const capped = (flags & NLM_FLAG.capped) !== 0;
  const request = capped || header + 4 > view.byteLength ? NLMSG_HEADER_BYTES : view.getUint32(header, LITTLE_ENDIAN);
  return header + align4(request);
}
