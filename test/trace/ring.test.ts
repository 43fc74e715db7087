/** Laws of the ring: whatever its place, its size and its records, each is shown once, whole and in order; and any bytes at all end well. */
import { mergeByTime, Ring } from "@conntrail/trace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shownBytes, WrittenRing } from "./rings.ts";

const RING_BYTES = 4096;

/** A record of eight to 1,008 bytes: a type that is no sample, and words that tell it from any other. */
const record = fc.record({
  type: fc.constantFrom(2, 3, 4, 7, 16, 19),
  body: fc.array(fc.nat(0xffff_ffff), { minLength: 2, maxLength: 125 }).map((words) => {
    const even = words.length % 2 === 0 ? words : words.slice(1);
    return new Uint8Array(Uint32Array.from(even).buffer);
  }),
});

describe("a ring", () => {
  test("shows every record once, whole and in order, wherever it wraps", () => {
    const steps = fc.array(fc.array(record, { maxLength: 8 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(steps, fc.nat(1000), (rounds, start) => {
        const written = new WrittenRing(RING_BYTES, start * 8);
        const ring = new Ring(written.buffer, written.controlBytes);
        for (const records of rounds) {
          const kept = records.filter((one) => written.write(one));
          ring.look();
          const shown: string[] = [];
          while (ring.next()) {
            shown.push(Buffer.from(shownBytes(ring).subarray(8)).toString("hex"));
            ring.take();
          }
          ring.release();
          expect(shown).toEqual(kept.map(({ body }) => Buffer.from(body).toString("hex")));
          expect(written.room).toBe(RING_BYTES);
        }
        expect(ring.broken).toBe(false);
      }),
    );
  });

  test("shows what was not taken again, and gives back only the room of what was", () => {
    const written = new WrittenRing(RING_BYTES);
    const ring = new Ring(written.buffer, written.controlBytes);
    for (let i = 0; i < 3; i++) written.write({ type: 4, body: new Uint8Array(16).fill(i) });
    ring.look();
    ring.next();
    ring.take();
    ring.next();
    ring.release();
    expect(written.tail).toBe(24);
    ring.look();
    ring.next();
    expect(shownBytes(ring)[8]).toBe(1);
  });

  test("goes on where head and tail pass 4 GiB", () => {
    const written = new WrittenRing(RING_BYTES, 2 ** 32 - 16);
    const ring = new Ring(written.buffer, written.controlBytes);
    written.write({ type: 4, body: new Uint8Array(40).fill(7) });
    ring.look();
    expect(ring.next()).toBe(true);
    expect(shownBytes(ring).subarray(8)).toEqual(new Uint8Array(40).fill(7));
    ring.take();
    ring.release();
    expect(written.tail).toBe(2 ** 32 + 32);
  });

  test("knows that it may have turned records away", () => {
    const written = new WrittenRing(RING_BYTES);
    const ring = new Ring(written.buffer, written.controlBytes);
    const body = new Uint8Array(56);
    new DataView(body.buffer).setUint32(48, 1234, true);
    written.write({ type: 4, body });
    ring.look();
    expect(ring.fullSinceNs()).toBe(Number.POSITIVE_INFINITY);
    while (written.write({ type: 4, body })) ring.look();
    expect(ring.fullSinceNs()).toBe(1234);
    let shown = 0;
    for (; ring.next(); ring.take()) shown++;
    expect(shown).toBe(RING_BYTES / 64);
  });

  test("gives up what is no record, and reads on behind it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 2048 }), fc.nat(500), (bytes, start) => {
        const written = new WrittenRing(RING_BYTES, start * 8);
        const ring = new Ring(written.buffer, written.controlBytes);
        written.writeBytes(bytes.subarray(0, bytes.length & ~7));
        ring.look();
        for (let i = 0; ring.next(); i++) {
          expect(i).toBeLessThan(256);
          ring.take();
        }
        ring.release();
        ring.broken = false;
        written.write({ type: 4, body: new Uint8Array(16).fill(9) });
        ring.look();
        // What is left of the noise may be too short for a header: then it is the record's beginning that cannot be found.
        const found = ring.next() && shownBytes(ring)[8] === 9;
        expect(found || ring.broken).toBe(true);
      }),
    );
  });
});

describe("rings that are looked at one after another", () => {
  const record = (timeNs: number) => {
    const body = new Uint8Array(24);
    new DataView(body.buffer).setBigUint64(16, BigInt(timeNs), true);
    return { type: 4, body };
  };
  const setUp = () => [0, 1].map(() => new WrittenRing(RING_BYTES)) as [WrittenRing, WrittenRing];
  const read = (rings: readonly Ring[], untilNs: number): number[] => {
    const shown: number[] = [];
    mergeByTime(rings, untilNs, (ring) => shown.push(ring.timeNs));
    for (const ring of rings) ring.release();
    return shown;
  };

  test("tell nothing ahead of what it followed from on another processor", () => {
    const written = setUp();
    const rings = written.map((each) => new Ring(each.buffer, each.controlBytes));
    written[0].write(record(100));
    rings[0]!.look();
    // The reader has to wait here, and the kernel writes on.
    written[0].write(record(300));
    written[1].write(record(400));
    rings[1]!.look();
    expect(read(rings, 200)).toEqual([100]);
    for (const ring of rings) ring.look();
    expect(read(rings, 500)).toEqual([300, 400]);
  });

  test("are not held up by a time that lies far ahead", () => {
    const written = setUp();
    const rings = written.map((each) => new Ring(each.buffer, each.controlBytes));
    written[0].write(record(2 ** 50));
    written[0].write(record(100));
    for (const ring of rings) ring.look();
    expect(read(rings, 200)).toEqual([2 ** 50, 100]);
  });
});
