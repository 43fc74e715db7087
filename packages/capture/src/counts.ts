/** What was read from a capture and what was left out. Nothing is left out without a number here. */

/** Counters of one reading. Everything but `sections`, `packets`, `sidecars`, `lines` and `bytes` was left out. */
export interface CaptureCounts {
  /** Bytes read, uncompressed. */
  bytes: number;
  /** Sections of pcapng begun: our recordings have one for each of their files. */
  sections: number;
  /** Packets handed out. */
  packets: number;
  /** Records beside the packets that were handed out. */
  sidecars: number;
  /** pcapng blocks of a kind that is not read here. */
  skippedBlocks: number;
  /** Packets of interfaces with another link type. */
  foreignPackets: number;
  /** Packets of netlink families other than netfilter and sock_diag. */
  otherFamilies: number;
  /** Packets too short for their headers. */
  badPackets: number;
  /** sock_diag messages from a machine of the other byte order, which cannot be converted. */
  foreignOrder: number;
  /** Sidecar blocks of a newer version or an unknown kind. */
  unknownSidecars: number;
  /** Sidecar blocks that do not hold what their kind promises. */
  badSidecars: number;
  /** Lines of text read as flows. */
  lines: number;
  /** Lines that are none by design: summaries, expectations, blank lines. */
  skippedLines: number;
  /** Lines that could not be read. */
  badLines: number;
}

/** All zero. */
export function noCounts(): CaptureCounts {
  return {
    bytes: 0,
    sections: 0,
    packets: 0,
    sidecars: 0,
    skippedBlocks: 0,
    foreignPackets: 0,
    otherFamilies: 0,
    badPackets: 0,
    foreignOrder: 0,
    unknownSidecars: 0,
    badSidecars: 0,
    lines: 0,
    skippedLines: 0,
    badLines: 0,
  };
}
