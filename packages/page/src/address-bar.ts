/** The page's state in its address: a link shows another what one sees. */

/** What is kept there. */
export interface Kept {
  readonly filter: string;
  readonly edge: string;
  readonly sort: string;
}

/** What the address says. */
export function readKept(): Kept {
  const parameters = new URLSearchParams(location.search);
  const of = (name: string): string => parameters.get(name) ?? "";
  return { filter: of("filter"), edge: of("edge"), sort: of("sort") };
}

/** Writes it there, without a new step in the history. */
export function keep(kept: Kept): void {
  const parameters = new URLSearchParams(Object.entries(kept).filter(([, value]) => value !== ""));
  const query = parameters.toString();
  history.replaceState(null, "", location.pathname + (query === "" ? "" : `?${query}`));
}
