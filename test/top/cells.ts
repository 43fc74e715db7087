/** How many cells a terminal gives to a text, as Node itself reckons for its line editor, from ICU's tables: another opinion than ours. */
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";

const editor = createInterface({ input: new PassThrough(), output: new PassThrough(), prompt: "" });

/** The cells of a text without escape sequences. Marks take none, though Node gives two to those of wide scripts. */
export function cellsOf(text: string): number {
  const line = text.replace(/[\p{Mn}\p{Me}]/gu, "");
  Object.assign(editor, { line, cursor: line.length });
  return editor.getCursorPos().cols;
}
