/** Why a connection's row says what it says, asked of the server when it is looked at: the facts in order of arrival, and what is missing. */
import { Fragment, type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask } from "./feed.ts";
import { safe } from "./labels.ts";

/** What the server answers (`conntrail.why/1`), as far as it is shown. */
interface Explanation {
  readonly outcome?: string;
  readonly notes?: readonly string[];
  readonly since: string | null;
  readonly facts: readonly {
    readonly time: string;
    readonly source: string;
    readonly netns: number | null;
    readonly netnsName?: string;
    readonly text: string;
    readonly claims: readonly { readonly about: string; readonly verdict: string; readonly text: string }[];
  }[];
  readonly more: number;
  readonly blanks: readonly { readonly about: string; readonly text: string; readonly help: string | null }[];
}

/** The explanation of a connection; asks anew when `state` changes, for then there are new facts. */
export function Why({ id, state }: { readonly id: number; readonly state: string }): JSX.Element {
  const [answer, setAnswer] = useState<Explanation | string>();
  useEffect(() => {
    let wanted = true;
    fetchWhy(id).then((found) => wanted && setAnswer(found));
    return () => {
      wanted = false;
    };
  }, [id, state]);
  if (answer === undefined) return <p class="why">Asking why …</p>;
  if (typeof answer === "string") return <p class="why">{safe(answer)}</p>;
  return (
    <section class="why" aria-label="Why">
      {answer.outcome !== undefined && <p>It failed: {safe(answer.outcome)}.</p>}
      {answer.notes?.map((note) => (
        <p key={note}>{safe(note)}</p>
      ))}
      {answer.facts.length > 0 && <h3>What was told, each thing once, in the order in which it came</h3>}
      <ol>
        {answer.facts.map((fact, i) => (
          <li key={i}>
            <span class="when">{fact.time.slice(11, 23)}</span> {fact.source}
            {fact.netns === null ? "" : ` [${safe(fact.netnsName ?? String(fact.netns))}]`}: {safe(fact.text)}
            {fact.claims.map((claim) => (
              <div key={claim.about} class={`claim ${claim.verdict}`}>
                {claim.verdict === "agrees" ? "confirms" : claim.verdict} {claim.about}: {safe(claim.text)}
              </div>
            ))}
          </li>
        ))}
      </ol>
      {answer.more > 0 && <p>… and {answer.more} more</p>}
      {answer.blanks.length > 0 && <h3>What it does not say, and why</h3>}
      <dl>
        {answer.blanks.map(({ about, text, help }) => (
          <Fragment key={about}>
            <dt>{about}</dt>
            <dd>
              {safe(text)}
              {help !== null && <div class="help">→ {safe(help)}</div>}
            </dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}

async function fetchWhy(id: number): Promise<Explanation | string> {
  try {
    const response = await ask(`/api/why?id=${id}`);
    const answer = (await response.json()) as { error?: string; explanations?: readonly Explanation[] };
    return answer.explanations?.[0] ?? answer.error ?? "no answer";
  } catch {
    return "the server does not answer";
  }
}
