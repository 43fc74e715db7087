/** Colours of terminals (ECMA-48 SGR), or none. */

const SGR = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

/** A style. */
export type Style = keyof typeof SGR;

/** Puts text into a style. */
export type Paint = (style: Style, text: string) => string;

/** The painter: with `color` false it leaves text as it is. */
export function painter(color: boolean): Paint {
  return color ? (style, text) => `\u001b[${SGR[style]}m${text}\u001b[0m` : (_, text) => text;
}
