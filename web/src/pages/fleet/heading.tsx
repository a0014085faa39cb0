// The heading of a column: a press sorts, dragging it (or Shift and an arrow key) moves the column.
import { useSignal } from "@preact/signals";
import { Icon } from "../../components/icons";
import { chooseColumns, setSortBy, sortBy } from "../../state/fleet-view";
import type { Column } from "./columns";
import { moved } from "./moved";

// Says what is dragged: a column, and not a link or a text of some other page.
const kKind = "application/x-sysmon-column";

export function Heading({ column, all }: { column: Column; all: readonly Column[] }) {
  const over = useSignal(false);
  const ids = all.map((one) => one.id);
  const at = ids.indexOf(column.id);
  const up = sortBy.value === column.id;
  const down = sortBy.value === `-${column.id}`;
  // Numbers begin with the largest, words with the first; the third press goes back to worst first.
  const [first, second] =
    column.kind === "text" ? [column.id, `-${column.id}`] : [`-${column.id}`, column.id];
  const next = sortBy.value === first ? second : sortBy.value === second ? null : first;
  const accepts = (event: DragEvent) => event.dataTransfer?.types.includes(kKind) ?? false;
  return (
    <th
      class={over.value ? `${column.kind} drop` : column.kind}
      title={`${column.title}.\nPress to sort, drag (or Shift and an arrow key) to move.`}
      aria-sort={up ? "ascending" : down ? "descending" : undefined}
      data-heading={column.id}
      draggable
      onDragStart={(event) => event.dataTransfer?.setData(kKind, column.id)}
      onDragOver={(event) => {
        if (!accepts(event)) return;
        event.preventDefault();
        over.value = true;
      }}
      onDragLeave={() => {
        over.value = false;
      }}
      onDrop={(event) => {
        over.value = false;
        const dragged = event.dataTransfer?.getData(kKind) ?? "";
        if (!ids.includes(dragged)) return;
        event.preventDefault();
        chooseColumns(moved(ids, dragged, at));
      }}
    >
      <button
        type="button"
        class="sort"
        onClick={() => setSortBy(next)}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (!by || !event.shiftKey) return;
          event.preventDefault();
          const button = event.currentTarget;
          chooseColumns(moved(ids, column.id, at + by));
          // A node that was moved has lost the focus.
          requestAnimationFrame(() => button.focus());
        }}
      >
        {column.label}
        {up && <Icon name="up" />}
        {down && <Icon name="down" />}
      </button>
    </th>
  );
}
