/** What is known of the terminal on standard output, if it is one: a pipe gets every column in full and no escapes. */

/** Width in cells and whether to paint. */
export interface Terminal {
  readonly columns?: number;
  readonly color?: boolean;
}

/** `--color`: always, never, or as the terminal and NO_COLOR (no-color.org) have it. */
export const COLOR_CHOICES = ["auto", "always", "never"] as const;
export type ColorChoice = (typeof COLOR_CHOICES)[number];

let choice: ColorChoice = "auto";

/** Says how to paint from now on. */
export function chooseColor(wanted: ColorChoice): void {
  choice = wanted;
}

/** The terminal at this moment: people resize them. */
export function terminal(): Terminal {
  const isTerminal = process.stdout.isTTY === true;
  const color =
    choice === "auto" ? isTerminal && !isSet(process.env.NO_COLOR) && process.env.TERM !== "dumb" : choice === "always";
  return { color, ...(isTerminal && { columns: process.stdout.columns }) };
}

/** NO_COLOR counts when it is there and not empty. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "";
}
