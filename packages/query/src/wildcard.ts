/** Patterns with `*` and `?`, as in glob(7) without brackets: matched in time linear in the text for each star, so that nobody can ask for ever. */

/** True for texts that the pattern fits, from start to end. */
export function wildcard(pattern: string): (text: string) => boolean {
  return (text) => {
    let at = 0;
    let p = 0;
    let star = -1;
    let resume = 0;
    while (at < text.length) {
      if (pattern[p] === "*") {
        star = p++;
        resume = at;
      } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === text[at])) {
        p++;
        at++;
      } else if (star >= 0) {
        p = star + 1;
        at = ++resume;
      } else return false;
    }
    while (pattern[p] === "*") p++;
    return p === pattern.length;
  };
}
