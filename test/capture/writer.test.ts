/** The recorder at its limits: a slow disk, a full disk, a stream that goes away, a kill. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { type CaptureRecord, createCaptureWriter, type NetlinkRecord } from "@conntrail/capture";
import { isOpError } from "@conntrail/netlink";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readAll } from "./read-all.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "conntrail-writer-"));
});
afterAll(() => rm(folder, { recursive: true }));

function event(i: number, length = 200): NetlinkRecord {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, length, true);
  return { kind: "netlink", timeMs: i, netns: 1, family: 12, outgoing: false, multicast: true, bytes };
}
const tick = (timeMs: number): CaptureRecord => ({ kind: "tick", timeMs, final: false, wallAheadMs: 0 });

/** A stream that takes nothing until it is let. */
function blocked(): { stream: Writable; release(): void; readonly bytes: () => Buffer } {
  const taken: Buffer[] = [];
  let go: (() => void) | undefined;
  const open = new Promise<void>((resolve) => {
    go = resolve;
  });
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      void open.then(() => {
        taken.push(Buffer.from(chunk));
        done();
      });
    },
  });
  return { stream, release: () => go!(), bytes: () => Buffer.concat(taken) };
}

test("while the disk is slow, packets beyond the queue are dropped, and the file says how many, since when, and where", async () => {
  const target = blocked();
  const writer = await createCaptureWriter(target.stream, { queueBytes: 64 * 1024, chunkBytes: 4096 });
  const accepted = Array.from({ length: 1000 }, (_, i) => writer.write(event(i)));
  const kept = accepted.filter(Boolean).length;
  expect(kept).toBeGreaterThan(200);
  expect(kept).toBeLessThan(300);
  expect(accepted.indexOf(false)).toBe(kept);
  expect(writer.counts.dropped).toBe(1000 - kept);
  // Other records still find room: without them the packets could not be understood. They bring the news.
  expect(writer.write(tick(2000))).toBe(true);
  const options = { note: "x".repeat(60 * 1024) };
  expect(writer.write({ kind: "options", timeMs: 2500, options })).toBe(true);
  expect(writer.write({ kind: "options", timeMs: 2600, options })).toBe(false);
  target.release();
  await writer.flush();
  expect(writer.write(event(3000))).toBe(true);
  await writer.close();
  const { records, error } = await readAll(target.bytes());
  expect(error).toBeUndefined();
  const loss = {
    kind: "loss",
    timeMs: 2000,
    cause: "recorder",
    netns: 0,
    family: 0,
    sinceMs: kept,
    count: 1000 - kept,
  };
  const second = { ...loss, timeMs: 3000, sinceMs: 2600, count: 1 };
  const told = { kind: "options", timeMs: 2500, options };
  expect(records.slice(kept)).toEqual([loss, tick(2000), told, second, event(3000)]);
});

test("a source that waits for flush() when much is pending loses nothing", async () => {
  const path = join(folder, "paced.pcapng");
  const writer = await createCaptureWriter(path, { queueBytes: 64 * 1024, chunkBytes: 4096, sync: false });
  for (let i = 0; i < 2000; i++) {
    if (writer.pendingBytes > 32 * 1024) await writer.flush();
    expect(writer.write(event(i))).toBe(true);
  }
  await writer.close();
  expect([writer.pendingBytes, writer.counts.dropped]).toEqual([0, 0]);
  expect((await readAll(path)).counts.packets).toBe(2000);
});

test("a loss that nothing follows is told at the end of the file", async () => {
  const target = blocked();
  const writer = await createCaptureWriter(target.stream, { queueBytes: 1000, chunkBytes: 1000 });
  const kept = Array.from({ length: 20 }, (_, i) => writer.write(event(i))).filter(Boolean).length;
  target.release();
  await writer.close();
  const { records } = await readAll(target.bytes());
  expect(records.at(-1)).toMatchObject({ kind: "loss", timeMs: 19, sinceMs: kept, count: 20 - kept });
});

test("a datagram that other readers would refuse for its length is dropped and told", async () => {
  const path = join(folder, "long.pcapng");
  const writer = await createCaptureWriter(path);
  expect(writer.write(event(1, 262_144))).toBe(false);
  expect(writer.write(event(2, 262_144 - 16))).toBe(true);
  await writer.close();
  const { records } = await readAll(path);
  expect(records).toEqual([expect.objectContaining({ kind: "loss", count: 1 }), event(2, 262_144 - 16)]);
});

describe("a full disk", () => {
  test("ends the recording with the system's refusal, told once, and close() fails with it", async () => {
    const failures: unknown[] = [];
    const writer = await createCaptureWriter("/dev/full", { onFailure: (error) => failures.push(error), sync: false });
    writer.write(event(1));
    await expect(writer.flush()).rejects.toMatchObject({ op: "write", errno: "ENOSPC" });
    expect(writer.write(event(2))).toBe(false);
    await expect(writer.close()).rejects.toBe(writer.failure);
    await expect(writer.close()).rejects.toBe(writer.failure);
    expect(failures).toEqual([writer.failure]);
    expect(isOpError(writer.failure)).toBe(true);
    expect(writer.counts.dropped).toBe(1);
  });

  test("or a folder that is gone when the next file is due, ends it in the same way", async () => {
    const gone = await mkdtemp(join(folder, "gone-"));
    const writer = await createCaptureWriter(join(gone, "x.pcapng"), { rotateMs: 10 });
    writer.write(event(1));
    await writer.flush();
    await rm(gone, { recursive: true });
    writer.write(event(100));
    await expect(writer.close()).rejects.toMatchObject({ op: "open", errno: "ENOENT" });
  });
});

test("a stream that goes away ends the recording as a closed pipe does", async () => {
  const stream = new PassThrough();
  const writer = await createCaptureWriter(stream, { chunkBytes: 1000 });
  stream.destroy();
  await once(stream, "close");
  writer.write(event(1));
  await expect(writer.flush()).rejects.toMatchObject({ op: "write", errno: "EPIPE" });
  await expect(writer.close()).rejects.toMatchObject({ errno: "EPIPE" });
});

test("a stream is neither ended nor destroyed when the recording ends", async () => {
  const stream = new PassThrough();
  const writer = await createCaptureWriter(stream);
  writer.write(event(1));
  await writer.close();
  expect([stream.writableEnded, stream.destroyed]).toEqual([false, false]);
  expect((await readAll(stream.read() as Buffer)).records).toEqual([event(1)]);
});

test("what was accepted reaches the file within flushMs, without anything else happening", async () => {
  const path = join(folder, "flush.pcapng");
  const writer = await createCaptureWriter(path, { flushMs: 10 });
  writer.write(event(1));
  const deadline = Date.now() + 5000;
  while (writer.counts.writtenBytes === 0 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5));
  expect((await readAll(path)).records).toEqual([event(1)]);
  await writer.close();
});

test("options that cannot work and files that cannot be made are refused at once", async () => {
  const refused = (options: object) => createCaptureWriter(join(folder, "no"), options);
  await expect(refused({ rotateBytes: 1000 })).rejects.toThrow(RangeError);
  await expect(refused({ rotateMs: 0 })).rejects.toThrow(RangeError);
  await expect(refused({ rotateMs: 1, maxFiles: 0 })).rejects.toThrow(RangeError);
  await expect(createCaptureWriter(new PassThrough(), { rotateMs: 1 })).rejects.toThrow(RangeError);
  await expect(createCaptureWriter("/nonexistent/x.pcapng")).rejects.toMatchObject({ op: "open", errno: "ENOENT" });
});

test("a time that is none, or a family that is not recorded, is the caller's mistake and leaves the file whole", async () => {
  const path = join(folder, "mistakes.pcapng");
  const writer = await createCaptureWriter(path);
  expect(() => writer.write({ ...event(1), timeMs: Number.NaN })).toThrow(RangeError);
  expect(() => writer.write({ ...event(1), family: 0 })).toThrow(TypeError);
  expect(() => writer.write(tick(Number.NaN))).toThrow(RangeError);
  writer.write(event(2));
  await writer.close();
  expect(await readAll(path)).toMatchObject({ error: undefined, records: [event(2)] });
});

describe.each(["plain", "gzip"])("a recorder that is killed, writing %s", (packing) => {
  test("leaves a file that can be read up to its last whole block, with all that was flushed", async () => {
    const path = join(folder, `killed-${packing}`);
    const program = join(import.meta.dirname, "programs/recorder.mjs");
    const child = spawn(process.execPath, [program, path, packing], { stdio: ["ignore", "pipe", "inherit"] });
    let safe = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      safe = Number(chunk.toString().trim().split("\n").at(-1));
      if (safe > 20_000) child.kill("SIGKILL");
    });
    await once(child, "close");
    expect(safe).toBeGreaterThan(20_000);
    const { records, error } = await readAll(path);
    expect(error === undefined || error.code === "truncated").toBe(true);
    expect(records.length).toBeGreaterThanOrEqual(safe);
    expect(records.every((record, i) => record.timeMs === i)).toBe(true);
    const size = (await readFile(path)).length;
    expect(size).toBeGreaterThan(0);
  }, 30_000);
});
