/** What containers are called: a cache that never waits, over an API that may be slow, gone, forbidden or wrong. */

import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answerOf, type ContainerAnswer, createContainerNames } from "@conntrail/names";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";

const ID = "ab".repeat(32);
const WEB = {
  Name: "/web-1",
  Config: { Image: "shop/web:3", Labels: { "io.kubernetes.pod.name": "web-7", secret: "x" } },
};

/** An API whose answers the test gives out. */
function scripted() {
  const asked: { readonly id: string; readonly answer: (answer: ContainerAnswer) => void }[] = [];
  let nowMs = 0;
  const names = createContainerNames({
    sockets: ["/first"],
    nowMs: () => nowMs,
    open: (socketPath) => ({
      socketPath,
      ask: (id) => new Promise((answer) => asked.push({ id, answer })),
      close: () => {},
    }),
  });
  const answer = async (value: ContainerAnswer): Promise<void> => {
    asked.shift()!.answer(value);
    await new Promise(setImmediate);
  };
  return { names, asked, answer, pass: (ms: number) => (nowMs += ms) };
}

const FACTS = { name: "web-1", image: "shop/web:3" };

describe("the cache", () => {
  test("asks once for what it does not have, and has it from then on", async () => {
    const { names, asked, answer } = scripted();
    expect([names.get(ID), names.get(ID)]).toEqual([undefined, undefined]);
    expect(asked.length).toBe(1);
    await answer({ kind: "known", facts: FACTS });
    expect(names.get(ID)).toEqual(FACTS);
    expect(names.health()).toMatchObject({ state: "ok", cached: 1, pending: 0, requests: 1, failures: 0 });
  });

  test("asks again for a container that nobody knows, soon at first and then ever more seldom", async () => {
    const { names, asked, answer, pass } = scripted();
    const delays: number[] = [];
    for (let round = 0; round < 4; round++) {
      names.get(ID);
      await answer({ kind: "unknown" });
      let waitedMs = 0;
      while (asked.length === 0 && waitedMs < 10_000) {
        waitedMs += 50;
        pass(50);
        names.get(ID);
      }
      delays.push(waitedMs);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000]);
  });

  test("has a bounded number of containers waiting, and counts the rest", () => {
    const { names, asked } = scripted();
    for (let i = 0; i < 1_000; i++) names.get(i.toString(16).padStart(64, "0"));
    expect(asked.length).toBeLessThanOrEqual(8);
    expect(names.health()).toMatchObject({ pending: 256, dropped: 744 });
  });

  test.each<[ContainerAnswer, { state: string; reason: string }]>([
    [{ kind: "no-socket" }, { state: "off", reason: "no-socket" }],
    [{ kind: "not-permitted" }, { state: "off", reason: "not-permitted" }],
    [
      { kind: "failed", message: "status 500" },
      { state: "degraded", reason: "failed" },
    ],
  ])("says what is wrong: $kind", async (given, expected) => {
    const { names, answer } = scripted();
    names.get(ID);
    await answer(given);
    expect(names.health()).toMatchObject(expected);
    expect(names.health().advice).toContain("/first");
  });

  test("asks nobody when it is switched off", () => {
    const names = createContainerNames({ sockets: [] });
    expect(names.get(ID)).toBeUndefined();
    expect(names.health()).toMatchObject({ state: "off", reason: "switched-off", requests: 0 });
  });
});

describe("an answer", () => {
  test("has name, image and the labels of pods, and no other label", () => {
    expect(answerOf(200, JSON.stringify(WEB))).toEqual({ kind: "known", facts: { ...FACTS, pod: "web-7" } });
  });

  test("of any bytes is one", () => {
    fc.assert(fc.property(fc.nat(600), fc.string(), (status, body) => typeof answerOf(status, body).kind === "string"));
    fc.assert(fc.property(fc.jsonValue(), (value) => typeof answerOf(200, JSON.stringify(value)).kind === "string"));
  });
});

describe("over a real socket", () => {
  let server: Server | undefined;
  let folder = "";
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    server = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  test("the names come, and nothing is left open after close()", async () => {
    folder = await mkdtemp(join(tmpdir(), "containers-"));
    const path = join(folder, "api.sock");
    const told: string[] = [];
    server = createServer((request, response) => {
      told.push(request.url!);
      response.end(JSON.stringify(WEB));
    });
    await new Promise<void>((resolve) => server!.listen(path, resolve));
    const names = createContainerNames({ sockets: [join(folder, "absent.sock"), path] });
    names.get(ID);
    for (let i = 0; i < 500 && names.health().cached === 0; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(names.get(ID)).toMatchObject(FACTS);
    expect(told).toEqual([`/v1.24/containers/${ID}/json`]);
    names.close();
  });
});
