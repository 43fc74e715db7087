/** What is known of one edge or one connection, and how: the evidence. */
import type { ComponentChildren, JSX } from "preact";
import { type Edge, edgeLine } from "./edges.ts";
import { amount, endLine, natLine, safe, sent } from "./labels.ts";
import type { Row } from "./row.ts";
import { Why } from "./why.tsx";

const MOST_CONNECTIONS = 50;

/** The evidence of a connection, in words. */
export function ConnectionDetails({
  row: { c },
  onClose,
}: {
  readonly row: Row;
  readonly onClose: () => void;
}): JSX.Element {
  const owner = ({ ownerReason, process }: typeof c.from): string => {
    if (process === null) return `no process: ${ownerReason}`;
    return ownerReason === null ? "holds the very socket" : `by ${ownerReason}: it listens on the port`;
  };
  return (
    <Panel title="Evidence" onClose={onClose}>
      <dl>
        <Fact name="From">{endLine(c.from)}</Fact>
        <Fact name="">{owner(c.from)}</Fact>
        <Fact name="To">{endLine(c.to)}</Fact>
        <Fact name="">{owner(c.to)}</Fact>
        <Fact name="Direction">{`${c.direction.confidence}, by ${c.direction.evidence}`}</Fact>
        <Fact name="State">{`${c.state}, told by ${c.sources.join(" and ")}`}</Fact>
        {c.nat !== null && (
          <Fact name="NAT">{`${natLine(c)} (the opener saw ${c.nat.visible.to.address}:${c.nat.visible.to.port}, the server saw ${c.nat.visible.from.address}:${c.nat.visible.from.port})`}</Fact>
        )}
        {c.counters !== undefined && (
          <Fact name="Bytes">{`${sent(c.counters.original, c.counters.exact?.original)} out, ${sent(c.counters.reply, c.counters.exact?.reply)} back`}</Fact>
        )}
        <Fact name="Seen">{`${c.firstSeen ?? "?"} to ${c.lastSeen ?? "?"}`}</Fact>
        {c.from.names.length + c.to.names.length > 0 && (
          <Fact name="Names">{safe([...c.from.names, ...c.to.names].join(", "))}</Fact>
        )}
        {c.from.containerId !== undefined && <Fact name="Container">{`from ${safe(c.from.containerId)}`}</Fact>}
        {c.to.containerId !== undefined && <Fact name="Container">{`to ${safe(c.to.containerId)}`}</Fact>}
        <Fact name="Namespace">{String(c.netns ?? "?")}</Fact>
        {c.flags !== undefined && <Fact name="Flags">{c.flags.join(", ")}</Fact>}
      </dl>
      <Why id={c.id} state={c.state} />
    </Panel>
  );
}

interface EdgeDetailsProps {
  readonly edge: Edge;
  readonly rows: readonly Row[];
  readonly onSelect: (id: number) => void;
  readonly onClose: () => void;
}

/** The connections of an edge. */
export function EdgeDetails({ edge, rows, onSelect, onClose }: EdgeDetailsProps): JSX.Element {
  const own = rows.filter((row) => row.edge === edge.key);
  return (
    <Panel title={edgeLine(edge)} onClose={onClose}>
      <p>
        {edge.open} open, {edge.ended} ended lately, {edge.failed} failed
        {edge.bytes > 0 ? `, ${amount(edge.bytes)}` : ""}
      </p>
      {edge.nat.size > 0 && <p>NAT: {[...edge.nat].map(([line, many]) => `${line} ×${many}`).join(", ")}</p>}
      <ul>
        {own.slice(0, MOST_CONNECTIONS).map((row) => (
          <li key={row.id}>
            <button type="button" onClick={() => onSelect(row.id)}>
              {row.c.state}: {endLine(row.c.from)} → {endLine(row.c.to)}
            </button>
          </li>
        ))}
      </ul>
      {own.length > MOST_CONNECTIONS && <p>… and {own.length - MOST_CONNECTIONS} more in the table</p>}
    </Panel>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Panel({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <aside class="details" aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" aria-label="Close" onClick={onClose}>
          ×
        </button>
      </header>
      {children}
    </aside>
  );
}
