/**
 * Waiting until descriptors are readable, in a thread that has nothing else to do: poll(2) on them and on the descriptor under which libuv waits for this thread's event loop
 * (`uv_backend_fd`), so that a message, a stop and `terminate()` end the wait as well. No thread of libuv's pool is taken for it, which belongs to the host. Sources: poll(2), `uv.h`,
 * `v8-isolate.h` and `node.h`, whose functions Node exports for addons under these names.
 */
import koffi from "koffi";
import { C, ERRNO, lastErrno, lastError, libc } from "./libc.ts";
import { allocateNative, type NativeMemory } from "./native-memory.ts";

/** `struct pollfd`: fd i32, events u16, revents u16. */
const POLLFD_BYTES = 8;

/** Waits of one thread. Made in the thread that waits. */
export class ReadableWait {
  readonly #loop: number;
  #memory: NativeMemory = allocateNative(16 * POLLFD_BYTES);

  /** `undefined` where this program does not tell the descriptor of its event loops: then nobody may block. */
  static open(): ReadableWait | undefined {
    const loop = loopDescriptor();
    return loop === undefined ? undefined : new ReadableWait(loop);
  }

  private constructor(loop: number) {
    this.#loop = loop;
  }

  /**
   * Blocks the thread until one of `fds` is readable or has an error, something waits for the event loop, or `ms` milliseconds have passed; timers do not end it. Whoever calls it gives
   * the loop a turn before the next call. Returns the places in `fds` of those that are to be read. Throws OpError.
   */
  wait(fds: readonly number[], ms: number): readonly number[] {
    const count = fds.length + 1;
    if (this.#memory.buffer.byteLength < count * POLLFD_BYTES)
      this.#memory = allocateNative(2 ** Math.ceil(Math.log2(count * POLLFD_BYTES)));
    const words = new Int32Array(this.#memory.buffer, 0, count * 2);
    const halves = new Uint16Array(this.#memory.buffer, 0, count * 4);
    [this.#loop, ...fds].forEach((fd, i) => {
      words[i * 2] = fd;
      halves[i * 4 + 2] = C.POLLIN;
      halves[i * 4 + 3] = 0;
    });
    const ready = libc.poll(this.#memory.address, count, Math.max(0, Math.ceil(ms)));
    if (ready < 0 && lastErrno() !== ERRNO.EINTR) throw lastError("poll");
    if (ready <= 0) return [];
    return [...fds.keys()].filter((i) => halves[(i + 1) * 4 + 3] !== 0);
  }
}

/** The descriptor of the calling thread's event loop. */
function loopDescriptor(): number | undefined {
  try {
    const lib = koffi.load(null);
    // v8::Isolate::GetCurrent(), node::GetCurrentEventLoop(v8::Isolate*)
    const currentIsolate = lib.func("uintptr_t _ZN2v87Isolate10GetCurrentEv()");
    const loopOf = lib.func("uintptr_t _ZN4node19GetCurrentEventLoopEPN2v87IsolateE(uintptr_t)");
    const backend = lib.func("int uv_backend_fd(uintptr_t)");
    const isolate = currentIsolate() as number | bigint;
    const loop = isolate ? (loopOf(isolate) as number | bigint) : 0;
    const fd = loop ? Number(backend(loop)) : -1;
    return fd < 0 ? undefined : fd;
  } catch {
    return undefined;
  }
}
