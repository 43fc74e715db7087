/**
 * How a host sees that a worker's thread is alive although it says nothing: the worker counts up in shared memory, the host looks whether the count
 * moves. A thread in an endless loop does not come to counting. Looks are counted, not time: a machine that slept has only slept.
 */

/** Time between two beats, and between two looks. */
const BEAT_MS = 1_000;
const LOOK_MS = 2_000;

/** Words of the memory: the count, and whether the worker's modules have been loaded. */
const BEATS = 0;
const LOADED = 1;

/** Memory for the beats of one worker. */
export function heartbeatMemory(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(8));
}

/** True since the worker's modules have been loaded, native ones among them. */
export function hasLoaded(memory: Int32Array): boolean {
  return Atomics.load(memory, LOADED) === 1;
}

/** The worker's side: says that it is loaded, and beats until its thread ends. Does not keep the thread alive. */
export function beat(memory: Int32Array): void {
  Atomics.store(memory, LOADED, 1);
  setInterval(() => Atomics.add(memory, BEATS, 1), BEAT_MS).unref();
}

/** The host's side: calls `onHang` once when there was no beat for at least `deadlineMs`. Does not keep the process alive. */
export function watchBeats(memory: Int32Array, deadlineMs: number, onHang: (facts: string) => void): { stop(): void } {
  const looksAllowed = Math.max(2, Math.ceil(deadlineMs / LOOK_MS));
  let last = -1;
  let looks = 0;
  const timer = setInterval(() => {
    const now = Atomics.load(memory, BEATS);
    looks = now === last ? looks + 1 : 0;
    last = now;
    if (looks < looksAllowed) return;
    clearInterval(timer);
    onHang(`its thread has done nothing for ${(looks * LOOK_MS) / 1000} s`);
  }, LOOK_MS).unref();
  return { stop: () => clearInterval(timer) };
}
