// Hosts as cards: the same columns as the table, and what fits a narrow window.
import { useRef } from "preact/hooks";
import { Age } from "../../components/age";
import { Status } from "../../components/status";
import { hostSignal } from "../../state/hosts";
import { hostPath } from "../../state/route";
import { useVisibleSpan } from "../../state/use-visible-span";
import type { Column } from "./columns";
import { GroupHeading } from "./group-heading";
import { HostTags } from "./host-tags";
import { type Group, linesOf, offsetsOf, visible } from "./order";
import { SelectBox, useIsSelected } from "./select-box";

// As in host-cards.css.
const kLeastWidth = 300;
const kGap = 12;
const kHeadHeight = 102;
const kPairHeight = 50;
const kHeadingHeight = 52;

function Card({ name, columns }: { name: string; columns: readonly Column[] }) {
  const chosen = useIsSelected(name);
  const host = hostSignal(name)?.value;
  if (!host) return null;
  return (
    <article class={`host-card ${host.status}${chosen ? " chosen" : ""}`} data-host={name} aria-label={name}>
      <div class="card-head">
        <a href={hostPath(name)} data-host-link title={name}>
          {name}
        </a>
        <SelectBox name={name} />
        <Status status={host.status} />
        <span class="seen">
          <Age time={host.last_seen} />
        </span>
        <HostTags tags={host.tags} />
      </div>
      <dl class="card-values">
        {columns.map((column) => (
          <div key={column.id} class={column.kind} data-column={column.id}>
            <dt>{column.label}</dt>
            <dd>{column.cell(host)}</dd>
          </div>
        ))}
      </dl>
    </article>
  );
}

interface Props {
  groups: readonly Group[];
  tag: string | null;
  /** What the shown hosts are the answer to. */
  question: string;
  folded: ReadonlySet<string>;
  columns: readonly Column[];
}

export function HostGrid({ groups, tag, question, folded, columns }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const span = useVisibleSpan(box, question);
  const perLine = Math.max(1, Math.floor((span.width + kGap) / (kLeastWidth + kGap)));
  const height = kHeadHeight + Math.ceil(columns.length / 2) * kPairHeight + kGap;
  const lines = linesOf(groups, folded, tag !== null, perLine);
  const offsets = offsetsOf(lines, kHeadingHeight, height);
  const [first, last] = visible(offsets, span.top, span.bottom);
  const total = offsets.at(-1) as number;
  return (
    <div ref={box} class="card-box">
      <div style={{ height: `${offsets[first]}px` }} />
      {span.width > 0 &&
        lines.slice(first, last).map((line) =>
          "group" in line ? (
            <GroupHeading key={`group ${line.group.value}`} group={line.group} tag={tag ?? ""} />
          ) : (
            <div
              key={line.names[0]}
              class="card-line"
              style={{ height: `${height}px`, gridTemplateColumns: `repeat(${perLine}, minmax(0, 1fr))` }}
            >
              {line.names.map((name) => (
                <Card key={name} name={name} columns={columns} />
              ))}
            </div>
          ),
        )}
      <div style={{ height: `${total - (offsets[last] as number)}px` }} />
    </div>
  );
}
