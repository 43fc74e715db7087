/**
 * What a report costs after the merge: packing it, receiving it on the host thread, reading it, encoding it; at three
 * sizes, without NAT and with a quarter of the connections translated. Aims are those of DESIGN.md's T3 and T5.
 */
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import {
  createScopeAliases,
  encodeDot,
  encodeJson,
  encodeScope,
  encodeTable,
  type PackedReport,
  packReport,
  unpackReport,
  viewReport,
} from "@conntrail/report";
import type { BenchCase, Timed, TimedCase } from "../case.ts";
import { makeContent } from "./content.ts";

const SIZES = [
  [1_000, "1k"],
  [10_000, "10k"],
  [100_000, "100k"],
] as const;

const SHAPES = [
  ["plain", 0],
  ["nat", 0.25],
] as const;

type Content = ReturnType<typeof makeContent>;

/** One case for every size and shape. `what` makes, from a report, the function to time. */
function ladder(name: string, what: (content: Content) => Timed, further: Partial<TimedCase> = {}): TimedCase[] {
  return SHAPES.flatMap(([shape, nat]) =>
    SIZES.map(([size, label]): TimedCase => {
      const setup = (): Timed => what(makeContent({ connections: size, nat }));
      return {
        kind: "timed",
        name: `report/${name}/${shape}/${label}`,
        per: "flow",
        count: size,
        size,
        setup,
        ...further,
      };
    }),
  );
}

/** Gives the case with this name a target. */
function aimed(cases: readonly TimedCase[], name: string, target: NonNullable<TimedCase["target"]>): TimedCase[] {
  return cases.map((each) => (each.name === name ? { ...each, target } : each));
}

function packing(content: Content): Timed {
  return { run: () => packReport(content) };
}

/** What the host thread pays for a report that was sent to it: taking it from its port and opening the view. */
function receiving(content: Content): Timed {
  const { port1, port2 } = new MessageChannel();
  return {
    before: () => {
      const { message, transfer } = packReport({ ...content, columns: structuredClone(content.columns) });
      port1.postMessage(message, transfer);
    },
    run: () => {
      const received = receiveMessageOnPort(port2) as { message: PackedReport };
      return unpackReport(received.message).connection(0).from.process;
    },
    close: () => port1.close(),
  };
}

/** Reads five facts of every connection through the view. */
function reading(content: Content): Timed {
  const report = viewReport(content);
  return {
    run: () => {
      let bytes = 0;
      for (const { from, to, direction } of report.connections()) {
        bytes += from.port + to.port + (from.process?.length ?? 0) + to.address.length + direction.evidence.length;
      }
      return bytes;
    },
  };
}

function scoping(content: Content, gzip: boolean): Timed {
  const aliases = createScopeAliases();
  const encode = (): Uint8Array => encodeScope(content, { aliases });
  return { run: gzip ? () => gzipSync(encode(), { level: 1 }) : encode };
}

export const cases: readonly BenchCase[] = [
  ...ladder("pack", packing),
  ...ladder("read", reading),
  ...ladder("json", (content) => ({ run: () => encodeJson(content) })).map((each) => {
    const name = each.name.replace("/json/", "/json-stringify/");
    const target = { atMost: 0.33, note: "what an encoder of our own must save" };
    return { ...each, against: each.size === 100_000 ? { name, target } : { name } };
  }),
  ...ladder("json-stringify", (content) => ({ run: () => JSON.stringify(viewReport(content)) })),
  ...ladder("scope", (content) => scoping(content, false)),
  ...aimed(
    ladder("scope-gzip", (content) => scoping(content, true)),
    "report/scope-gzip/nat/100k",
    { atMost: 3000, note: "T3: 470 ms in all, less the build" },
  ),
  ...ladder("dot", (content) => ({ run: () => encodeDot(content) })),
  ...ladder("table", (content) => ({ run: () => encodeTable(content, { columns: 120, limit: 50 }) })),
  ...ladder("receive", receiving, {
    per: "report",
    count: 1,
    target: { atMost: 1_000_000, note: "T5: the host thread pays only for what it reads" },
  }),
];
