/** The loader's half of planted-bugs.mjs: replaces words in one file as it is loaded. Throws when they do not stand there exactly once: the bug is to be planted anew. */
let bug;

export function initialize(data) {
  bug = data;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (!new URL(url).pathname.endsWith(bug.file)) return loaded;
  const parts = Buffer.from(loaded.source).toString().split(bug.words);
  if (parts.length !== 2) throw new RangeError(`${parts.length - 1} places in ${bug.file}: ${bug.words}`);
  return { ...loaded, source: parts.join(bug.instead) };
}
