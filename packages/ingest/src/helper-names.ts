/** The names of conntrack helpers (`ftp`, `sip`, …) as small numbers: a row has room for one. Source: CTA_HELP in `ctnetlink_dump_helpinfo`. */
import { attributeLength, CTA_HELP, WordCursor } from "@conntrail/netlink";

/** The kernel knows about a dozen; whatever comes beyond this is told as no helper. */
const MAX_NAMES = 255;

/** NF_CT_HELPER_NAME_LEN. */
const MAX_NAME_BYTES = 16;

/** Interns names as they appear. */
export class HelperNames {
  /** `names[n - 1]` is the name that number `n` stands for. Replaced, never changed, so that it can be given out. */
  names: readonly string[] = [];
  readonly #cursor = new WordCursor();

  /** The number of the name in the CTA_HELP attribute at word `at`; 0 when it has none. The attribute must lie within `words`. */
  intern(words: Uint32Array, at: number): number {
    const help = this.#cursor.over(words, at * 4 + 4, at * 4 + attributeLength(words[at]!));
    while (help.next()) {
      if (help.type === CTA_HELP.name) return this.#numberOf(text(words, help.at * 4, help.length));
    }
    return 0;
  }

  #numberOf(name: string): number {
    const known = this.names.indexOf(name);
    if (known >= 0) return known + 1;
    if (name === "" || this.names.length === MAX_NAMES) return 0;
    this.names = [...this.names, name];
    return this.names.length;
  }
}

/** NUL-terminated; anything but printable ASCII is no name. */
function text(words: Uint32Array, start: number, bytes: number): string {
  const raw = new Uint8Array(words.buffer, words.byteOffset + start, Math.min(bytes, MAX_NAME_BYTES));
  const end = raw.indexOf(0);
  const name = String.fromCharCode(...raw.subarray(0, end < 0 ? raw.length : end));
  return /^[\x21-\x7e]+$/.test(name) ? name : "";
}
