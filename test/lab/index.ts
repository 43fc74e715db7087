/** The lab in reading order: what a kernel test imports. */

export {
  CONNTRAIL,
  type ConntrailOptions,
  type ConntrailResult,
  NOBODY,
  runConntrail,
  startConntrail,
} from "./conntrail.ts";
export { blackHoleDnsIn, type DnsServer, dnsmasqIn, type NodeDnsOptions, nodeDnsIn, type PtrRecords } from "./dns.ts";
export { type KernelTestOptions, kernelTest } from "./kernel-test.ts";
export { createLab, type Lab, type LinkEnd } from "./lab.ts";
export type { LabNamespace, LabProgram, Ready, Started } from "./namespace.ts";
export { IMAGE, openPodman, PODMAN } from "./podman.ts";
export { type Exit, Program, type ProgramOptions } from "./program.ts";
export { SHOP_EDGES, type ShopLab, shopLab } from "./shop.ts";
export {
  type Endpoint,
  type HostLab,
  loopbackLab,
  type NatLab,
  type NatLabOptions,
  natLab,
  plainLab,
  TRACK,
} from "./topology.ts";
