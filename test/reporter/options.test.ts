/** Options as an embedding program may get them wrong: each is refused at the call, by name, with what would do. */
import { createReporter, isOptionError, OPTION_LIMITS, replayReports, scopeApp } from "@conntrail/reporter";
import { describe, expect, test } from "vitest";

/** The error that `call` throws, which must be about an option. */
function refusal(call: () => unknown): { option: string; name: string; message: string } {
  try {
    call();
  } catch (error) {
    if (!isOptionError(error)) throw error;
    return error;
  }
  throw new Error("it was accepted");
}

/** As a program without types would call it. */
const create = (options: unknown) => refusal(() => createReporter(options as never));

const NOT_FLAGS = ["no", 0, null, {}];
const NOT_COUNTS = ["x", "7", 0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, true, null, 7n];
const WRONG: readonly (readonly [string, readonly unknown[]])[] = [
  ["hostId", ["", "a;b", 1, null]],
  ["hostName", ["", 1]],
  ["intervalMs", [-1, 1, 49, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "1000", "1s"]],
  ["conntrack", NOT_FLAGS],
  ["sockets", NOT_FLAGS],
  ["processes", NOT_FLAGS],
  ["commandLines", NOT_FLAGS],
  ["names", NOT_FLAGS],
  ["namespaces", ["foo", [], 1, {}, null]],
  ["protocols", ["tcp", { tcp: true }]],
  ["receiveBuffer", [...NOT_COUNTS, 1, 2 ** 31]],
  ["receiveBufferMax", NOT_COUNTS],
  ["reconcileMs", [0, -1, Number.POSITIVE_INFINITY, 2 ** 31, "30s"]],
  ["maxFlows", [...NOT_COUNTS, 8_000_000]],
  ["scanIntervalMs", [0, 9, Number.POSITIVE_INFINITY, 2 ** 31]],
  ["scanCpuShare", [0, 5, -1, "10%"]],
  ["nameServers", ["10.0.0.2"]],
  ["lookupsPerSecond", NOT_COUNTS],
  ["localNetworks", ["10.0.0.0/8"]],
  ["procRoot", ["", "proc", 1]],
  ["scanner", [{}, "x", null]],
  ["metrics", [{}, true]],
  ["metricsPrefix", ["", "a-b", "1a"]],
  ["sinks", [{}, "x"]],
  ["record", ["x.pcapng", null]],
];

describe("N10 an option of the wrong type or value is refused at the call", () => {
  test.each(WRONG)("%s", (option, values) => {
    for (const value of values) {
      const error = create({ [option]: value });
      expect(error.option).toBe(option);
      expect(error.message).toMatch(new RegExp(`^${option}: expected .+, got .+`));
    }
  });

  test.each([
    ["protocols[1]", { protocols: ["tcp", "foo"] }],
    ["namespaces[1]", { namespaces: ["own", 1.5] }],
    ["namespaces[0]", { namespaces: ["all"] }],
    ["namespaces[0]", { namespaces: ["/run/netns/shop"] }],
    ["namespaces[0]", { namespaces: [""] }],
    ["nameServers[0]", { nameServers: ["resolver.example"] }],
    ["localNetworks[0]", { localNetworks: ["foo"] }],
    ["sinks[0]", { sinks: [() => {}] }],
    ["sinks[0].encoding.format", { sinks: [{ name: "s", encoding: { format: "xml", gzip: true }, deliver() {} }] }],
    ["record.path", { record: {} }],
    ["record.rotateBytes", { record: { path: "x", rotateBytes: 1 } }],
  ])("at its place in a list or an object: %s", (option, options) => {
    expect(create(options).option).toBe(option);
  });

  test.each([
    [{ intervalms: 1000 }, "intervalMs"],
    [{ maxFlow: 10 }, "maxFlows"],
    [{ record: { file: "x" } }, "path"],
  ])("when no option has its name, with the name that may have been meant: %o", (options, meant) => {
    const error = create(options);
    expect(error.name).toBe("TypeError");
    if (meant !== "path") expect(error.message).toContain(`did you mean "${meant}"?`);
  });

  test("a value that is undefined was not said", async () => {
    const unsaid = Object.fromEntries(WRONG.map(([option]) => [option, undefined]));
    await createReporter({ ...unsaid, conntrack: false, sockets: false }).close();
  });

  test("options that are no object", () => {
    for (const options of [7, "x", null, []]) expect(create(options).option).toBe("options");
  });

  test("a type is told from a value", () => {
    expect(create({ maxFlows: "x" }).name).toBe("TypeError");
    expect(create({ maxFlows: 0 }).name).toBe("RangeError");
  });
});

test("N21 a protocol that does not exist is refused at the call, not in a stream that nobody reads", () => {
  expect(create({ protocols: ["foo"] }).message).toContain('got "foo"');
});

test("N16 the options of a replay are refused in the same way", async () => {
  for (const wrong of [
    { to: "soon" },
    { from: null },
    { to: { afterMs: -1 } },
    { speed: 0 },
    { reports: 1 },
    { too: 1 },
  ]) {
    const first = replayReports("no-such-file", wrong as never).next();
    await expect(first).rejects.toSatisfy(isOptionError);
  }
});

test("a sink's own options are refused in the same way", () => {
  expect(refusal(() => scopeApp("nowhere")).option).toBe("url");
  expect(refusal(() => scopeApp("http://app:4040", { tries: 0 })).option).toBe("tries");
});

test("every limit has a default within its bounds", () => {
  for (const { least, most, preset } of Object.values(OPTION_LIMITS)) {
    expect(preset).toBeGreaterThanOrEqual(least);
    expect(preset).toBeLessThanOrEqual(most);
  }
});
