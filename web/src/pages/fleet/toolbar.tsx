// How the fleet is shown: view, grouping, colour of the map, columns.
import {
  colourBy,
  groupBy,
  kViews,
  setColourBy,
  setGroupBy,
  setSizeBy,
  setView,
  sizeBy,
  view,
} from "../../state/fleet-view";
import { ColumnChooser } from "./column-chooser";
import { kMapColumns, kSizeColumns } from "./host-map";

interface Props {
  /** Keys of the hosts' tags. */
  tags: readonly string[];
  columns: readonly string[];
}

export function Toolbar({ tags, columns }: Props) {
  const group = groupBy.value;
  const choices = group === null || tags.includes(group) ? tags : [group, ...tags];
  return (
    <div class="toolbar">
      {choices.length > 0 && (
        <label class="choice">
          Group by
          <select
            class="input"
            value={group ?? ""}
            onChange={(event) => setGroupBy(event.currentTarget.value || null)}
          >
            <option value="">nothing</option>
            {choices.map((tag) => (
              <option key={tag} value={tag}>
                {tag}
              </option>
            ))}
          </select>
        </label>
      )}
      {view.value === "map" ? (
        <>
          <label class="choice">
            Colour by
            <select
              class="input"
              value={colourBy.value}
              onChange={(event) => setColourBy(event.currentTarget.value)}
            >
              {kMapColumns.map((column) => (
                <option key={column.id} value={column.id}>
                  {column.label}
                </option>
              ))}
            </select>
          </label>
          <label class="choice">
            Size by
            <select
              class="input"
              value={kSizeColumns.find((column) => column.id === sizeBy.value)?.id ?? ""}
              onChange={(event) => setSizeBy(event.currentTarget.value || null)}
            >
              <option value="">nothing</option>
              {kSizeColumns.map((column) => (
                <option key={column.id} value={column.id}>
                  {column.label}
                </option>
              ))}
            </select>
          </label>
        </>
      ) : (
        <ColumnChooser chosen={columns} />
      )}
      <fieldset class="segments views">
        <legend class="hidden">View</legend>
        {kViews.map((name) => (
          <button
            key={name}
            type="button"
            class={`view-${name}`}
            aria-pressed={view.value === name}
            onClick={() => setView(name)}
          >
            {name}
          </button>
        ))}
      </fieldset>
    </div>
  );
}
