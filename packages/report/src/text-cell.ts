/** Text for terminals: as wide as it looks. Widths follow Unicode's East Asian Width (UAX 11) and what emoji take: two cells for wide ones. */

/** Marks that stand over the character before them. Spacing ones (Mc) have a cell of their own. */
const COMBINING = /[\p{Mn}\p{Me}]/u;
const NARROW_ONLY = /^[\u0020-\u02ff]*$/;

/** First and last code point of each range that is two cells wide. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x23f0, 0x23f0],
  [0x23f3, 0x23f3],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x2630, 0x2637],
  [0x2648, 0x2653],
  [0x267f, 0x267f],
  [0x268a, 0x268f],
  [0x2693, 0x2693],
  [0x26a1, 0x26a1],
  [0x26aa, 0x26ab],
  [0x26bd, 0x26be],
  [0x26c4, 0x26c5],
  [0x26ce, 0x26ce],
  [0x26d4, 0x26d4],
  [0x26ea, 0x26ea],
  [0x26f2, 0x26f3],
  [0x26f5, 0x26f5],
  [0x26fa, 0x26fa],
  [0x26fd, 0x26fd],
  [0x2705, 0x2705],
  [0x270a, 0x270b],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x274e, 0x274e],
  [0x2753, 0x2755],
  [0x2757, 0x2757],
  [0x2795, 0x2797],
  [0x27b0, 0x27b0],
  [0x27bf, 0x27bf],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b50],
  [0x2b55, 0x2b55],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2fb],
  [0x1d300, 0x1d376],
  [0x1f004, 0x1f004],
  [0x1f0cf, 0x1f0cf],
  [0x1f18e, 0x1f18e],
  [0x1f191, 0x1f19a],
  [0x1f1e6, 0x1f320],
  [0x1f32d, 0x1faff],
  [0x20000, 0x3fffd],
];

const ELLIPSIS = "…";

/** Cells that the text takes. */
export function cellWidth(text: string): number {
  if (NARROW_ONLY.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** The text filled up with spaces to `width` cells. */
export function pad(text: string, width: number, alignRight: boolean): string {
  const spaces = " ".repeat(Math.max(0, width - cellWidth(text)));
  return alignRight ? spaces + text : text + spaces;
}

/** The text in at most `width` cells, its middle left out where it is longer: the end holds the port. */
export function shorten(text: string, width: number): string {
  if (cellWidth(text) <= width) return text;
  if (width <= 1) return width === 1 ? ELLIPSIS : "";
  const characters = [...text];
  const tail = takeCells(characters.toReversed(), Math.floor((width - 1) / 2)).toReversed();
  const head = takeCells(characters, width - 1 - cellWidth(tail.join("")));
  return `${head.join("")}${ELLIPSIS}${tail.join("")}`;
}

/** The text in at most `width` cells, its end cut off where it is longer. */
export function cut(text: string, width: number): string {
  return cellWidth(text) <= width ? text : `${takeCells([...text], width - 1).join("")}${ELLIPSIS}`;
}

/** The text as lines of at most `width` cells, broken between words, the second and later ones indented where there is room. */
export function fold(text: string, width: number | undefined, indent: number): string[] {
  if (width === undefined || cellWidth(text) <= width) return [text];
  const margin = " ".repeat(indent <= width / 3 ? indent : 2);
  const [lead] = /^\s*/.exec(text)!;
  const lines: string[] = [];
  let line = lead.length <= width / 3 ? lead : margin;
  for (const word of text.slice(lead.length).split(/(?<=\S)(?= )/)) {
    if (cellWidth(line) + cellWidth(word) > width && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = margin + word.trimStart();
    } else line += word;
  }
  return [...lines, line.trimEnd()].map((each) => cut(each, Math.max(1, width)));
}

function takeCells(characters: readonly string[], cells: number): string[] {
  const taken: string[] = [];
  let width = 0;
  for (const character of characters) {
    width += characterWidth(character);
    if (width > cells) break;
    taken.push(character);
  }
  return taken;
}

function characterWidth(character: string): number {
  if (COMBINING.test(character)) return 0;
  const code = character.codePointAt(0)!;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}
