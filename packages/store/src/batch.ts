/** A batch of rows on its way to the server. */
import { COLUMNS } from "./row-text.ts";

/** Lines of TabSeparated, without the header. */
export interface Batch {
  /** `<boot>-<number>`: the server takes a batch of one token once, however often it is sent. */
  readonly token: string;
  readonly text: string;
  readonly rows: number;
}

/** The header line that names the columns. */
export const HEADER: string = `${COLUMNS.join("\t")}\n`;

/** A life of the sink: 11 digits of its start in base 36, so that later ones sort behind, and 6 random ones. */
export function newBoot(nowMs: number, random: () => number = Math.random): string {
  const start = Math.floor(nowMs).toString(36).padStart(11, "0");
  return (
    start +
    Math.floor(random() * 36 ** 6)
      .toString(36)
      .padStart(6, "0")
  );
}

/** The token of batch `number` of a life. */
export function batchToken(boot: string, number: number): string {
  return `${boot}-${String(number).padStart(10, "0")}`;
}
