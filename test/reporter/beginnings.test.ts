/** Which flows of a batch begin, by their serials: for a look at who holds their sockets. */
import {
  FAMILY,
  FLOW,
  FLOW_CHANGE,
  FLOW_WORDS,
  type FlowBatch,
  PROTOCOL,
  packKind,
  TRACE,
  TRACE_WORDS,
} from "@conntrail/model";
import { describe, expect, test } from "vitest";

interface Ends {
  readonly rows: Uint32Array;
  readonly count: number;
}

/** Not among what the package exports: its own file is what is asked. */
const { BeginningsOf } = (await import(
  new URL("../../packages/reporter/dist/begun-ends.js", import.meta.url).href
)) as { readonly BeginningsOf: new () => { take(batch: FlowBatch, untold: typeof ALL): Ends | undefined } };

const ALL = { tcp: true, udp: true };

/** A batch with a flow for each serial, whose client port is the serial's low half. */
function batch(serials: readonly number[], epoch = 1): FlowBatch {
  const rows = new Uint32Array(serials.length * FLOW_WORDS);
  for (const [i, serial] of serials.entries()) {
    const at = i * FLOW_WORDS;
    rows[at + FLOW.serial] = serial;
    rows[at + FLOW.kind] = packKind(PROTOCOL.tcp, FAMILY.ipv4, 0, 0);
    rows[at + FLOW.originalPorts] = ((serial & 0xffff) << 16) | 80;
  }
  const changes = new Uint8Array(serials.length).fill(FLOW_CHANGE.upsert);
  return { kind: "flows", timeMs: 0, cutMs: 0, epoch, count: serials.length, rows, changes } as unknown as FlowBatch;
}

/** The client ports of the ends that begin. */
function ports(ends: Ends | undefined): number[] {
  const found: number[] = [];
  for (let i = 0; i < (ends?.count ?? 0); i += 2) found.push(ends!.rows[i * TRACE_WORDS + TRACE.ports]! >>> 16);
  return found;
}

describe("beginnings", () => {
  test("are flows whose serial no batch had, each once", () => {
    const beginnings = new BeginningsOf();
    expect(ports(beginnings.take(batch([1, 2]), ALL))).toEqual([1, 2]);
    expect(ports(beginnings.take(batch([2, 3, 1]), ALL))).toEqual([3]);
    expect(beginnings.take(batch([3]), ALL)).toBeUndefined();
  });

  test("go on when 32 bits of serials have been counted through", () => {
    const beginnings = new BeginningsOf();
    // As far as half of the serials are ahead of what was seen last.
    for (const serial of [0x6000_0000, 0xc000_0000, 0xffff_fff0])
      expect(beginnings.take(batch([serial]), ALL)).toBeDefined();
    expect(ports(beginnings.take(batch([0xffff_fffe, 0xffff_ffff, 1, 2]), ALL))).toEqual([0xfffe, 0xffff, 1, 2]);
    expect(ports(beginnings.take(batch([0xffff_ffff, 2, 3]), ALL))).toEqual([3]);
    expect(ports(beginnings.take(batch([4]), ALL))).toEqual([4]);
  });

  test("are counted anew in another life of the ingest", () => {
    const beginnings = new BeginningsOf();
    expect(ports(beginnings.take(batch([0x7000_0001]), ALL))).toEqual([1]);
    expect(beginnings.take(batch([2]), ALL)).toBeUndefined();
    expect(ports(beginnings.take(batch([2], 2), ALL))).toEqual([2]);
  });
});
