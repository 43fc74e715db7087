/** Text for terminals: as wide as it looks. Widths follow Unicode's East Asian Width (UAX 11) for the scripts that are two cells wide. */

const COMBINING = /\p{Mark}/u;
const NARROW_ONLY = /^[\u0020-\u02ff]*$/;

/** First and last code point of each range that is two cells wide. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
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
