// Hosts as a table.  Only the rows near the window exist; a row is drawn again only when its own host changes.
import { useRef } from "preact/hooks";
import { Age } from "../../components/age";
import { Icon } from "../../components/icons";
import { Status } from "../../components/status";
import { setSortBy, sortBy } from "../../state/fleet-view";
import { hostSignal } from "../../state/hosts";
import { hostPath } from "../../state/route";
import { selected, toggleAll } from "../../state/selection";
import { useVisibleSpan } from "../../state/use-visible-span";
import type { Column } from "./columns";
import { GroupHeading } from "./group-heading";
import { Heading } from "./heading";
import { HostTags } from "./host-tags";
import { type Group, linesOf, offsetsOf, visible } from "./order";
import { SelectBox, useIsSelected } from "./select-box";

// As in host-table.css: rows have one height, so that the place of each is known without drawing it.
const kRowHeight = 56;
const kHeadingHeight = 44;
const kFixedWidth = 44 + 120 + 200;

function Row({ name, columns }: { name: string; columns: readonly Column[] }) {
  const chosen = useIsSelected(name);
  const host = hostSignal(name)?.value;
  if (!host) return null;
  return (
    <tr class={`host-row ${host.status}${chosen ? " chosen" : ""}`} data-host={name}>
      <td class="check">
        <SelectBox name={name} />
      </td>
      <td class="state">
        <Status status={host.status} />
        <span class="seen">
          <Age time={host.last_seen} />
        </span>
      </td>
      <th scope="row" class="name">
        <a href={hostPath(name)} data-host-link title={name}>
          {name}
        </a>
        <HostTags tags={host.tags} />
      </th>
      {columns.map((column) => (
        <td key={column.id} class={column.kind} data-column={column.id}>
          {column.cell(host)}
        </td>
      ))}
    </tr>
  );
}

function SelectAll({ names }: { names: readonly string[] }) {
  const chosen = selected.value;
  const all = names.length > 0 && names.every((name) => chosen.has(name));
  return (
    <label class="check-target">
      <input
        type="checkbox"
        aria-label="Select all shown hosts"
        checked={all}
        onChange={() => toggleAll(names)}
      />
    </label>
  );
}

function Skeletons({ columns }: { columns: number }) {
  return (
    <>
      {[0, 1, 2, 3].map((row) => (
        <tr key={row} class="host-row">
          <td colSpan={columns + 3}>
            <div class="skeleton row-skeleton" />
          </td>
        </tr>
      ))}
    </>
  );
}

function Spacer({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr class="spacer">
      <td colSpan={columns + 3} style={{ height: `${height}px` }} />
    </tr>
  );
}

interface Props {
  groups: readonly Group[];
  /** The tag of the groups; null for none. */
  tag: string | null;
  /** What the shown hosts are the answer to. */
  question: string;
  folded: ReadonlySet<string>;
  names: readonly string[];
  columns: readonly Column[];
  loading: boolean;
}

export function HostTable({ groups, tag, question, folded, names, columns, loading }: Props) {
  const body = useRef<HTMLTableSectionElement>(null);
  const span = useVisibleSpan(body, question);
  const lines = linesOf(groups, folded, tag !== null, 1);
  const offsets = offsetsOf(lines, kHeadingHeight, kRowHeight);
  const [first, last] = visible(offsets, span.top, span.bottom);
  const total = offsets.at(-1) as number;
  const width = columns.reduce((sum, column) => sum + column.width, kFixedWidth);
  return (
    <div class="table-box">
      <table
        class="hosts"
        aria-busy={loading}
        aria-rowcount={names.length + 1}
        style={{ minWidth: `${width}px` }}
      >
        <colgroup>
          <col style={{ width: "44px" }} />
          <col style={{ width: "120px" }} />
          <col />
          {columns.map((column) => (
            <col key={column.id} style={{ width: `${column.width}px` }} />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th class="check">
              <SelectAll names={names} />
            </th>
            <th class="state" title="Online, stale or offline, and when the host was last heard of">
              Status
            </th>
            <th class="name">
              <button
                type="button"
                class="sort"
                onClick={() => setSortBy(sortBy.value === "name" ? null : "name")}
              >
                Host
                {sortBy.value === "name" && <Icon name="up" />}
              </button>
            </th>
            {columns.map((column) => (
              <Heading key={column.id} column={column} all={columns} />
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {loading ? (
            <Skeletons columns={columns.length} />
          ) : (
            <>
              <Spacer height={offsets[first] as number} columns={columns.length} />
              {lines.slice(first, last).map((line) =>
                "group" in line ? (
                  <tr key={`group ${line.group.value}`} class="group-row">
                    <th colSpan={columns.length + 3} scope="rowgroup">
                      <GroupHeading group={line.group} tag={tag ?? ""} />
                    </th>
                  </tr>
                ) : (
                  <Row key={line.names[0]} name={line.names[0] as string} columns={columns} />
                ),
              )}
              <Spacer height={total - (offsets[last] as number)} columns={columns.length} />
            </>
          )}
        </tbody>
      </table>
    </div>
  );
}
