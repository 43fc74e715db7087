/** Text of others made harmless: process names, host names and PTR answers may hold anything. */

/** Characters that would move the cursor, colour the screen, break the line, turn the direction of writing or hide: control, format, lone surrogates, line and paragraph separators. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Nobody reads on: a name of a megabyte would cost every line that has it. */
const MOST_CHARACTERS = 4096;

/** The text with every unsafe character written as an escape (`\x1b`, `\u202e`); what is beyond 4,096 characters is left out. */
export function printable(text: string): string {
  const told = text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`;
  return told.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0)!;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
