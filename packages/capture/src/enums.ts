/**
 * Numbers of the file formats. Sources: draft-ietf-opsawg-pcapng (block types, option codes), pcap-savefile(5) (magic
 * numbers), https://www.tcpdump.org/linktypes/LINKTYPE_NETLINK.html, linux/if_arp.h, linux/netlink.h, RFC 1952, RFC 5612.
 */

/** Block types of pcapng. */
export const BLOCK = {
  sectionHeader: 0x0a0d0d0a, // reads the same in both byte orders
  interfaceDescription: 0x00000001,
  enhancedPacket: 0x00000006,
  custom: 0x00000bad, // Custom Block that may be copied
} as const;

/** Options inside pcapng blocks. */
export const OPTION = {
  end: 0, // opt_endofopt
  hardware: 2, // shb_hardware
  operatingSystem: 3, // shb_os
  application: 4, // shb_userappl
  interfaceName: 2, // if_name
  timeResolution: 9, // if_tsresol
  timeOffset: 14, // if_tsoffset
  packetFlags: 2, // epb_flags
} as const;

/** Bits of epb_flags: two of direction, three of reception type. */
export const PACKET_FLAGS = {
  directionMask: 0x3,
  inbound: 0x1,
  outbound: 0x2,
  receptionMask: 0x1c,
  unicast: 0x4,
  multicast: 0x8,
} as const;

/** The word after a section header's length, in the section's byte order. */
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** First words of a classic pcap file, in the file's byte order. */
export const PCAP_MAGIC = { micros: 0xa1b2c3d4, nanos: 0xa1b23c4d } as const;

/** The two bytes that open a gzip member (ID1, ID2). */
export const GZIP_MAGIC = [0x1f, 0x8b] as const;

/** Link type of netlink messages behind a cooked header. */
export const LINKTYPE_NETLINK = 253; // LINKTYPE_NETLINK

/** Hardware type in that header. */
export const ARPHRD_NETLINK = 824; // ARPHRD_NETLINK

/** Private enterprise number of our custom blocks: the one set aside for examples, since this project has none (RFC 5612). */
export const ENTERPRISE_NUMBER = 32473;

/** What a custom block of ours begins with, after the enterprise number: that number alone proves nothing. */
export const SIDECAR_MAGIC = "conntrail";

/** Version of the sidecar's layout and payloads. A reader skips blocks of a newer one. */
export const SIDECAR_VERSION = 1;
