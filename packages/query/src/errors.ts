/** What is wrong with a question, and where: the column, and the nearest word that would have been right. */
import { closest } from "fastest-levenshtein";

/** Why an expression cannot be answered. */
export type QueryErrorCode = "syntax" | "unknown-field" | "unknown-function" | "unknown-word" | "wrong-kind";

/** An expression that cannot be answered. `column` counts characters from 1. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly code: QueryErrorCode;
  readonly column: number;

  constructor(code: QueryErrorCode, column: number, fact: string) {
    super(`column ${column}: ${fact}`);
    this.code = code;
    this.column = column;
  }
}

/** True for a QueryError, wherever it was made. */
export function isQueryError(error: unknown): error is QueryError {
  return error instanceof Error && error.name === "QueryError" && "column" in error;
}

/** `; did you mean "to.port"?` with the nearest of the words. */
export function didYouMean(word: string, words: readonly string[]): string {
  return words.length === 0 ? "" : `; did you mean "${closest(word, words)}"?`;
}
