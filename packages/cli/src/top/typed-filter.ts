/** What is typed as a filter: an expression, or one word that is meant as a port, an address or a process. */
import { compileFilter, isQueryError, shorthandExpression } from "@conntrail/query";
import { fields } from "../fields.ts";

/** The expression that the text stands for; empty for no filter. Throws QueryError for what is none. */
export function typedFilter(text: string): string {
  const word = text.trim();
  if (word === "") return "";
  const short = shorthandOf(word);
  const expression = short === undefined ? word : shorthandExpression([short])!;
  return compileFilter(expression, fields()).text;
}

type Used = Parameters<typeof shorthandExpression>[0][number];

function shorthandOf(word: string): Used | undefined {
  if (!/^[\w.:/*?-]+$/.test(word)) return undefined;
  if (/^\d{1,5}$/.test(word)) return { name: "port", value: word, not: false };
  if (/^[\d.]+(\/\d+)?$|:/.test(word)) return { name: "ip", value: word, not: false };
  if (isExpression(word)) return undefined;
  return { name: "process", value: word, not: false };
}

/** `to.local` and `true` are expressions of one word. */
function isExpression(word: string): boolean {
  try {
    compileFilter(word, fields());
    return true;
  } catch (error) {
    if (isQueryError(error)) return false;
    throw error;
  }
}
