/** The text of a question as a tree, by the grammar of the Common Expression Language (github.com/google/cel-spec). What it means is said in compile.ts. */
import { type ASTNode, ParseError, parse } from "@marcbachmann/cel-js";
import { QueryError } from "./errors.ts";

export type { ASTNode } from "@marcbachmann/cel-js";

/** Longer texts are refused: nobody types them. */
const MAX_CHARACTERS = 10_000;

/** The tree. Throws QueryError for what is no expression. */
export function parseExpression(text: string): ASTNode {
  if (text.trim() === "")
    throw new QueryError("syntax", 1, "expected an expression such as to.port == 443, got nothing");
  if (text.length > MAX_CHARACTERS) {
    throw new QueryError("syntax", MAX_CHARACTERS, `expected at most ${MAX_CHARACTERS} characters, got ${text.length}`);
  }
  try {
    return parse(text).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const column = (error.range?.start ?? 0) + 1;
    throw new QueryError("syntax", column, `${inWords(error.summary)}${hint(text, column)}`);
  }
}

/** The parser speaks of tokens and ends of files. */
function inWords(summary: string): string {
  const text = summary.replace("Unexpected token: EOF", "something is missing at the end");
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function hint(text: string, column: number): string {
  return text[column - 1] === "=" ? '; equality is written "=="' : "";
}
