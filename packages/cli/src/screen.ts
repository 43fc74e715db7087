/** A table that is drawn again and again at the same place: the header stays in sight, and nothing flickers (ECMA-48 CUP, EL, ED). */
import { writeOut } from "./output.ts";

const HOME = "\u001b[H";
const END_OF_LINE = "\u001b[K";
const BELOW = "\u001b[J";

/** Draws lines over those before. */
export async function redraw(text: string): Promise<void> {
  await writeOut(HOME + text.replaceAll("\n", `${END_OF_LINE}\n`) + BELOW);
}

/** Height of the terminal in lines, when standard output is one. */
export function screenLines(): number | undefined {
  return process.stdout.isTTY ? process.stdout.rows : undefined;
}
