/** Asked before, not after: `filter` and `limit` where reports are made. */
import { CHANGE_KIND, type FlowBatch, type ReportContent, type Tick } from "@conntrail/model";
import { encodeJson, limitRows, packReport, unpackReport, viewReport } from "@conntrail/report";
import { createReporter, isOptionError } from "@conntrail/reporter";
import { type PipelineConfig, pipeline } from "@conntrail/reporter/pipeline";
import { EMPTY, Subject } from "rxjs";
import { expect, test } from "vitest";
import { batch, destroyed, flow } from "../stages/flow-fixture.ts";
import { tick } from "../stages/snapshot-view.ts";

const WEB = [flow("10.0.0.1:40000 > 192.0.2.1:443"), flow("10.0.0.1:40001 > 192.0.2.2:443")];
const SSH = flow("10.0.0.1:40002 > 192.0.2.1:22");

const SWITCHED_OFF = { state: "off", reason: "switched-off" } as const;
const NAMES = { cached: 0, pending: 0, requests: 0, hits: 0, lookups: 0, failures: 0, dropped: 0 };

/** What the pipeline gives for these inputs. */
function run(filter: string | undefined, inputs: readonly (FlowBatch | Tick)[]): ReportContent[] {
  const flows$ = new Subject<FlowBatch>();
  const ticks$ = new Subject<Tick>();
  const config: PipelineConfig = {
    merge: { sockets: false },
    names: { get: () => undefined, health: () => ({ ...SWITCHED_OFF, ...NAMES }) },
    host: () => ({ id: "host", name: "host", localNetworks: [], kernelVersion: "", uptimeSeconds: 0 }),
    firstSequence: 1,
    filter,
  };
  const given: ReportContent[] = [];
  const now = (): number => 9000;
  pipeline({ flows$, sockets$: EMPTY, trace$: EMPTY, ticks$, now }, config).subscribe({
    next: (content) => given.push(content),
    error: (error: unknown) => {
      throw error;
    },
  });
  for (const input of inputs) {
    if (input.kind === "tick") ticks$.next(input);
    else flows$.next(input);
  }
  flows$.complete();
  ticks$.complete();
  return given;
}

const portsOf = (content: ReportContent): number[] => [...viewReport(content).connections()].map(({ to }) => to.port);

test("a report has the connections that the filter holds for, and no others", () => {
  const [report] = run('to.port == 443 || to.address == "192.0.2.9"', [batch(1000, [...WEB, SSH]), tick(2000)]);
  expect(portsOf(report!)).toEqual([443, 443]);
});

test("what stops matching is gone for those who listen to changes, and what matches as it ends is closed", () => {
  const look = (timeMs: number, news: "all" | "touched"): Tick => ({ ...tick(timeMs), news });
  const ended = WEB.map((each) => destroyed(each));
  const inputs = [batch(1000, [...WEB, SSH]), look(1100, "all"), batch(2000, ended), look(2100, "touched")];
  const told = (filter: string): [string[], number] => {
    const { changes } = run(filter, inputs)[1]!;
    return [[...changes!.kinds].map((kind) => CHANGE_KIND[kind]!), changes!.gone.length];
  };
  expect(told("to.port == 443")).toEqual([["closed", "closed"], 0]);
  expect(told('state != "closed" && state != "failed"')).toEqual([[], 2]);
});

test("a limit keeps so many and says what it left out, in the report, its bytes and behind a thread", () => {
  const [report] = run(undefined, [batch(1000, [...WEB, SSH]), tick(2000)]);
  const limited = limitRows(report!, 2);
  const elided = { rows: 1, connections: 1 };
  expect(limited.columns.length).toBe(2);
  expect(JSON.parse(Buffer.from(encodeJson(limited)).toString())).toMatchObject({ elided });
  expect(JSON.parse(Buffer.from(encodeJson(limited, { limit: 1 })).toString()).elided.rows).toBe(2);
  const { message } = packReport(limited);
  expect(unpackReport(message).elided).toEqual(elided);
  expect(JSON.stringify(unpackReport(message))).toBe(Buffer.from(encodeJson(unpackReport(message))).toString());
  expect(viewReport(limitRows(report!, 3)).elided).toBeUndefined();
});

test.each([
  ["to.prot == 443", /filter: .*did you mean "to\.port"/],
  ["to.port ==", /filter: expected an expression/],
])("a filter that says nothing is refused at the call: %s", (filter, message) => {
  try {
    createReporter({ filter });
    expect.unreachable();
  } catch (error) {
    expect(isOptionError(error) && error.option).toBe("filter");
    expect((error as Error).message).toMatch(message);
  }
});

test.each([
  [["to.adress"], "select[0]", /such as "to\.address"/],
  [["state", 7], "select[1]", /a member of a connection's JSON/],
  ["state", "select", /a list of members/],
])("a member that is none is refused at the call: %j", (select, option, message) => {
  try {
    createReporter({ select: select as never });
    expect.unreachable();
  } catch (error) {
    expect(isOptionError(error) && error.option).toBe(option);
    expect((error as Error).message).toMatch(message);
  }
});
