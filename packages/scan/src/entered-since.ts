/** The network namespaces that processes have entered since the last look, as far as somebody tells: while they are those that are known, no walk through processes is needed to find new ones. */

/** One per scanner. */
export class EnteredSince {
  #namespaces: Set<number> | undefined;

  /** Everything entered since `begin()` was told. */
  get isTold(): boolean {
    return this.#namespaces !== undefined;
  }

  /** Takes what was told since the last call. What came before a look that was not made is not forgotten; `undefined`: it is not known. */
  take(entered: ReadonlySet<number> | undefined): void {
    if (entered === undefined) this.#namespaces = undefined;
    else for (const netns of entered) this.#namespaces?.add(netns);
  }

  /** All that were entered before this moment are being looked for. */
  begin(): void {
    this.#namespaces = new Set();
  }

  areAllAmong(known: readonly { readonly netns: number }[]): boolean {
    const inodes = new Set(known.map(({ netns }) => netns));
    return [...(this.#namespaces ?? [])].every((netns) => inodes.has(netns));
  }
}
