/** Any report at all: every column filled with values that it can hold. */
import {
  allocateColumns,
  CONFIDENCE,
  CONNECTION_STATE,
  EVIDENCE,
  type Master,
  NAT_KIND,
  OWNER_REASON,
  type Owner,
  type ReportContent,
} from "@conntrail/model";
import fc from "fast-check";
import { SURROUNDINGS } from "./surroundings.ts";

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("\ud800", '"\\\u0000', "\u2028", "名"),
);

/** Paths that say something of the process, beside any text. */
const CONTAINER = "ab".repeat(32);
const anyGroup = fc.oneof(
  anyText,
  fc.constantFrom(
    "/system.slice/nginx.service",
    `/system.slice/docker-${CONTAINER}.scope`,
    `/kubepods/burstable/pod5ad3b3ab-1234-4c1f-9c3f-0123456789ab/${CONTAINER}`,
  ),
);
const anyContainer = fc.record(
  { name: anyText, image: anyText, pod: anyText, namespace: anyText, composeService: anyText },
  { noNullPrototype: true, requiredKeys: ["name", "image"] },
);

const anyOwner: fc.Arbitrary<Owner> = fc.record(
  {
    pid: fc.nat(),
    startTicks: fc.maxSafeNat(),
    process: anyText,
    ppid: fc.nat(),
    cmdline: anyText,
    cgroup: anyGroup,
    containerId: fc.oneof(fc.constant(""), anyText),
    uid: fc.nat(),
    user: anyText,
    container: anyContainer,
  },
  {
    noNullPrototype: true,
    requiredKeys: ["pid", "startTicks", "process", "ppid", "cmdline", "cgroup", "containerId"],
  },
);

/** Zeros and small parts are frequent: they are what IPv6 shortens. */
const anyWord = fc.oneof(
  fc.constantFrom(0, 1, 0xffff, 0xffff0000, 0x7f000001),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const anyAddress = fc.oneof(
  // Few enough for connections to share ends.
  fc.constantFrom([0, 0, 0xffff0000, 0x0200000a], [0, 0, 0xffff0000, 0x0100007f], [0xfd, 0, 0, 1]),
  fc.tuple(anyWord, anyWord, anyWord, anyWord),
  fc.tuple(fc.constant(0), fc.constant(0), fc.constant(0xffff0000), anyWord),
);
const anyTimeMs = fc.oneof(
  fc.integer({ min: 0, max: 4e12 }),
  fc.double(),
  fc.constantFrom(0, -1, 8.64e15, 253_402_300_799_999),
);
const anyCount = fc.oneof(
  fc.constant(-1),
  fc.maxSafeNat(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constant(2 ** 60),
);

const index = (list: readonly unknown[]): fc.Arbitrary<number> => fc.nat(list.length - 1);
const anyPorts = fc.oneof(
  fc.constantFrom(0x0001_0050, 0x0002_0050, 0x0050_0001),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const wordValue = fc.integer({ min: 0, max: 0xffff_ffff });

/** Records of TCP facts in a report. */
const TCP_RECORDS = 2;
const anyTcp = fc
  .array(fc.tuple(anyCount, anyCount, wordValue, wordValue, anyTimeMs, fc.nat(1)), {
    minLength: TCP_RECORDS,
    maxLength: TCP_RECORDS,
  })
  .map((records) => Float64Array.from(records.flat()));

const anyPlace = fc.record(
  { address: fc.constantFrom("10.0.0.2", "fd00::1"), port: fc.nat(0xffff) },
  { noNullPrototype: true },
);
const anyMaster: fc.Arbitrary<Master> = fc.record(
  { id: fc.option(fc.nat()), protocol: fc.constantFrom("tcp", "udp"), from: anyPlace, to: anyPlace },
  { noNullPrototype: true },
);

const anyRow = (owners: number, names: number, devices: number) =>
  fc.record({
    originalSource: anyAddress,
    originalDestination: anyAddress,
    replySource: anyAddress,
    replyDestination: anyAddress,
    originalPorts: anyPorts,
    replyPorts: anyPorts,
    protocol: fc.nat(255),
    family: fc.constantFrom(2, 10),
    netns: fc.oneof(fc.constant(0), wordValue),
    zone: fc.nat(0xffff),
    sources: fc.nat(3),
    flags: fc.nat(0x7ff),
    evidence: index(EVIDENCE),
    confidence: index(CONFIDENCE),
    state: index(CONNECTION_STATE),
    nat: index(NAT_KIND),
    fromOwner: fc.nat(owners),
    toOwner: fc.nat(owners),
    fromReason: index(OWNER_REASON),
    toReason: index(OWNER_REASON),
    via: fc.nat(owners),
    master: fc.nat(2),
    exact: fc.nat(2),
    fromNames: fc.nat(names),
    toNames: fc.nat(names),
    fromDevice: fc.nat(devices),
    toDevice: fc.nat(devices),
    tcp: fc.nat(TCP_RECORDS),
    count: wordValue,
    mark: fc.oneof(fc.constant(0), wordValue),
    status: wordValue,
    firstSeenMs: anyTimeMs,
    lastSeenMs: anyTimeMs,
    originalPackets: anyCount,
    originalBytes: anyCount,
    replyPackets: anyCount,
    replyBytes: anyCount,
  });

/** A report of up to eight connections. */
export const anyContent: fc.Arbitrary<ReportContent> = fc
  .tuple(
    fc.array(anyOwner, { maxLength: 4 }),
    fc.array(fc.array(anyText, { maxLength: 3 }), { maxLength: 4 }),
    fc.array(anyText, { maxLength: 2 }),
    anyText,
    anyTcp,
    fc.array(anyMaster, { minLength: 2, maxLength: 2 }),
    fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 8, maxLength: 8 }),
  )
  .chain(([owners, names, devices, name, tcp, masters, exact]) =>
    fc.array(anyRow(owners.length, names.length, devices.length), { maxLength: 8 }).map((rows) => {
      const columns = allocateColumns(rows.length + 2);
      columns.length = rows.length;
      for (const [i, row] of rows.entries()) {
        for (const [name, value] of Object.entries(row)) {
          const column = columns[name as keyof typeof row];
          if (Array.isArray(value)) column.set(value, i * 4);
          else column[i] = value as number;
        }
      }
      const netnsNames = rows.slice(0, 1).map(({ netns }) => ({ netns, name }));
      return { ...SURROUNDINGS, owners, names, devices, masters, exact, netnsNames, tcp, columns };
    }),
  );
