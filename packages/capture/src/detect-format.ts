/** Tells what a file is from its first bytes. */
import { BLOCK, GZIP_MAGIC, PCAP_MAGIC } from "./enums.ts";

/** What `readCapture` reads (`gzip`: it looks inside), and the word for everything else. */
export type CaptureFormat = "pcapng" | "pcap" | "gzip" | "conntrack text" | "proc text" | "unknown";

/** Bytes that `detectFormat` wants to see, if there are as many. */
export const HEAD_BYTES = 4096;

/**
 * The format of a file that begins with `head`. Text is recognised by its first lines: `proc text` is
 * /proc/net/nf_conntrack, which `conntrack -o extended` resembles but for `zone=` and `use=` at once; both are read
 * by the same parser, so that nothing hangs on it.
 */
export function detectFormat(head: Uint8Array): CaptureFormat {
  if (head[0] === GZIP_MAGIC[0] && head[1] === GZIP_MAGIC[1]) return "gzip";
  if (head.length >= 4) {
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    if (view.getUint32(0) === BLOCK.sectionHeader) return "pcapng";
    for (const magic of Object.values(PCAP_MAGIC)) {
      if (view.getUint32(0, true) === magic || view.getUint32(0, false) === magic) return "pcap";
    }
  }
  return detectText(Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString("latin1"));
}

/** A flow: src= and dst= and behind them the same again, or the words before the first. */
const FLOW_LINE =
  /^(?:\[\d+\.\d+ *\]\s+)?(?:\s*\[(?:NEW|UPDATE|DESTROY)\] )?\s*[a-z][a-z0-9]*\s+\d+ .*src=[0-9a-f.:]+ dst=[0-9a-f.:]+ /;
const PROC_LINE = /^ipv[46] +(?:2|10) .*src=.* use=\d+$/;
const OTHER_LINE =
  /^conntrack v[\d.]+ \(conntrack-tools\)|^(?:\[\d+\.\d+ *\]\s+)?\s*(?:\[(?:NEW|UPDATE|DESTROY)\] )?\d+ (?:l3proto = \d+ )?proto=\d+ src=/;

function detectText(text: string): CaptureFormat {
  // The last line may be cut off by the end of the head.
  const lines = text.split("\n", TEXT_LINES_LOOKED_AT);
  for (const line of lines) {
    if (PROC_LINE.test(line)) return "proc text";
    if (FLOW_LINE.test(line) || OTHER_LINE.test(line)) return "conntrack text";
  }
  return "unknown";
}

const TEXT_LINES_LOOKED_AT = 20;

/** What a file is that begins with `head`, where that is known and not read; for the error's text. */
export function unreadFormat(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, HEAD_BYTES)).toString("latin1");
  if (/^(?:<\?xml|<conntrack>)/.test(text)) return "conntrack's XML (-o xml)";
  if (/^-[AIUD] .*-[sp] /.test(text)) return "conntrack's commands (-o save)";
  return undefined;
}
