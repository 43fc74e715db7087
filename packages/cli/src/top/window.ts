/** The terminal while `top` has it: the other screen, keys as they come, and only lines that changed are drawn (ECMA-48; xterm's DECSET 1049 and 25). */
import { once } from "node:events";
import { writeSync } from "node:fs";
import { emitKeypressEvents } from "node:readline";
import type { Size } from "./frame.ts";
import type { Key } from "./top-state.ts";

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
const LEAVE = "\u001b[?7h\u001b[?25h\u001b[?1049l";

/** Size when the terminal does not say. */
const USUAL: Size = { columns: 80, lines: 24 };

/** The terminal on standard input and output. `close()` gives it back as it was; so does the end of the process. */
export class TopWindow {
  #lines: readonly string[] = [];
  #open = false;
  readonly #onKey: (key: Key) => void;
  readonly #onResize: () => void;
  readonly #keypress = (_: string | undefined, key: Key): void => this.#onKey(key);
  readonly #resized = (): void => {
    this.#lines = [];
    this.#onResize();
  };
  readonly #ended = (): void => {
    if (this.#open) writeSync(process.stdout.fd, LEAVE);
  };

  constructor(onKey: (key: Key) => void, onResize: () => void) {
    this.#onKey = onKey;
    this.#onResize = onResize;
  }

  /** Takes the terminal. */
  open(): void {
    this.#open = true;
    emitKeypressEvents(process.stdin);
    process.stdin.setRawMode(true);
    process.stdin.resume();
    process.stdin.on("keypress", this.#keypress);
    process.stdout.on("resize", this.#resized);
    process.on("exit", this.#ended);
    process.stdout.write(ENTER);
  }

  get size(): Size {
    const { columns, rows } = process.stdout;
    return columns > 0 && rows > 0 ? { columns, lines: rows } : USUAL;
  }

  /** Draws the lines that are not there yet. A terminal that is still busy with the ones before is left alone: the next frame holds everything. */
  draw(lines: readonly string[]): void {
    if (!this.#open || process.stdout.writableNeedDrain) return;
    let text = "";
    for (const [i, line] of lines.entries()) {
      if (line !== this.#lines[i]) text += `\u001b[${i + 1};1H\u001b[K${line}`; // erased first: after a full line the cursor stands on its last cell
    }
    this.#lines = lines;
    if (text !== "") process.stdout.write(text);
  }

  /** Gives the terminal back. May be called twice. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    process.removeListener("exit", this.#ended);
    process.stdout.removeListener("resize", this.#resized);
    process.stdin.removeListener("keypress", this.#keypress);
    process.stdin.setRawMode(false);
    process.stdin.pause();
    if (!process.stdout.write(LEAVE)) await once(process.stdout, "drain");
  }
}
