/** What a person at a terminal is told while waiting. Goes to standard error, and only when that is a terminal. */

/** Shows one line and gives back how to take it away. */
export function showProgress(text: string): () => void {
  if (!process.stderr.isTTY) return () => {};
  process.stderr.write(text);
  return () => process.stderr.write(`\r\u001b[K`);
}
