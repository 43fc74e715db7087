/** The pieces of a connection's JSON that are the same for many connections: each is encoded once per report, when it is first needed. */
import {
  CONFIDENCE,
  CONNECTION_FLAG,
  CONNECTION_STATE,
  EVIDENCE,
  FAMILY,
  NAT_KIND,
  OWNER_REASON,
  protocolName,
} from "@conntrail/model";
import { type Fragment, fragment } from "./byte-writer.ts";
import { flagWords, sourceWords, viaJson } from "./connection.ts";
import { evidenceOf } from "./end.ts";
import { type FragmentTable, fragmentTable } from "./fragment-table.ts";
import { endProcess } from "./process-identity.ts";
import type { RawReport } from "./raw-report.ts";

/** From the opening brace to the namespace. The index is `headIndex`. */
export const HEAD: FragmentTable = fragmentTable(512, (index) => {
  const family = (index & 1) === 1 ? "ipv6" : "ipv4";
  return `{"protocol":${JSON.stringify(protocolName(index >>> 1))},"family":"${family}","netns":`;
});

/** The index into HEAD. */
export function headIndex(protocol: number, family: number): number {
  return (protocol << 1) | (family === FAMILY.ipv6 ? 1 : 0);
}

/** From the direction to the sources. The index is evidence << 2 | confidence. */
export const DIRECTION: FragmentTable = fragmentTable(EVIDENCE.length << 2, (index) => {
  const direction = { evidence: EVIDENCE[index >>> 2], confidence: CONFIDENCE[index & 3] };
  return `},"direction":${JSON.stringify(direction)},"sources":`;
});

/** From the sources' value to the count. The index is sources << 4 | state. */
export const SOURCES_STATE: FragmentTable = fragmentTable(4 << 4, (index) => {
  return `${JSON.stringify(sourceWords(index >>> 4))},"state":"${CONNECTION_STATE[index & 15]}","count":`;
});

/** From the NAT to the first address inside it, or to the times when there is none. The index is the kind. */
export const NAT: FragmentTable = fragmentTable(NAT_KIND.length, (index) => {
  const kind = NAT_KIND[index]!;
  if (kind === "none") return ',"nat":null,"firstSeen":';
  return `,"nat":{"kind":"${kind}","visible":{"from":{"address":"`;
});

/** Bits that FLAGS looks at. */
export const FLAGS_MASK: number = Object.values(CONNECTION_FLAG).reduce((all, bit) => all | bit, 0);

/** Flags that a report tells: empty when there are none. The index is the flags. */
export const FLAGS: FragmentTable = fragmentTable(FLAGS_MASK + 1, (index) => {
  const words = flagWords(index);
  return words.length === 0 ? "" : `,"flags":${JSON.stringify(words)}`;
});

/** Why there is no process, and what one is known from. The index is `reasonIndex`. */
export const REASON: FragmentTable = fragmentTable(OWNER_REASON.length << 2, (index) => {
  const reason = OWNER_REASON[index >>> 2]!;
  const evidence = evidenceOf(index & 1, index >>> 2, (index & 2) !== 0);
  return `,"ownerReason":${JSON.stringify(reason === "known" ? null : reason)},"ownerEvidence":${JSON.stringify(evidence)}`;
});

/** The index into REASON. */
export function reasonIndex(owner: number, reason: number, isTraced: boolean): number {
  return (reason << 2) | (isTraced ? 2 : 0) | (owner === 0 ? 0 : 1);
}

/** Fragments that depend on a report's owners and names. Index 0: none. */
export interface RecordFragments {
  /** From `local` of an end to its names. The index is owner << 1 | local. */
  readonly owner: FragmentTable;
  readonly names: FragmentTable;
  /** What stands behind `ownerReason`: empty without a process. */
  readonly identity: FragmentTable;
  /** The process between two legs. */
  readonly via: FragmentTable;
  /** The device of an end. */
  readonly device: FragmentTable;
  /** By inode: the name of a namespace. */
  readonly netnsName: ReadonlyMap<number, Fragment>;
}

type Records = Pick<RawReport, "owners" | "names" | "devices" | "netnsNames">;

/** The fragments of one report. */
export function recordFragments({ owners, names, devices = [], netnsNames = [] }: Records): RecordFragments {
  const owner = (index: number): ReturnType<typeof owners.at> => (index === 0 ? undefined : owners.at(index - 1)!);
  return {
    owner: fragmentTable((owners.length + 1) << 1, (index) => {
      const known = owner(index >>> 1);
      const process = known === undefined ? "null" : JSON.stringify(known.process);
      return `,"local":${(index & 1) === 1},"pid":${known?.pid ?? null},"process":${process},"names":`;
    }),
    names: fragmentTable(names.length + 1, (index) => (index === 0 ? "[]" : JSON.stringify(names.at(index - 1)!))),
    identity: fragmentTable(owners.length + 1, (index) => {
      const known = owner(index);
      if (known === undefined) return "";
      return `,${JSON.stringify(endProcess(known)).slice(1, -1)}`;
    }),
    via: fragmentTable(owners.length + 1, (index) => `,"via":${JSON.stringify(viaJson(owner(index)!))}`),
    device: fragmentTable(devices.length + 1, (index) => `,"device":${JSON.stringify(devices[index - 1])}`),
    netnsName: new Map(netnsNames.map(({ netns, name }) => [netns, fragment(`,"netnsName":${JSON.stringify(name)}`)])),
  };
}
