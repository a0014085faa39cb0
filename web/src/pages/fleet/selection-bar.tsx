// What is selected, and what can be done with it: compare, export.

import { kMaxCompared, kMaxSmall } from "../../address";
import { Icon } from "../../components/icons";
import { edited } from "../../state/editing";
import { peekHosts } from "../../state/hosts";
import { comparePath } from "../../state/route";
import { clearSelection, selected } from "../../state/selection";
import { exportHosts } from "./export";

export function SelectionBar() {
  const names = [...selected.value];
  if (!names.length) return null;
  const save = (kind: "csv" | "json") =>
    exportHosts(
      peekHosts().filter((host) => selected.value.has(host.hostname)),
      kind,
    );
  return (
    <div class="selection-bar" role="status">
      <span>
        <strong>{names.length}</strong> selected
      </span>
      {names.length < 2 && <span class="fine">choose one more to compare</span>}
      {names.length >= 2 && names.length <= kMaxSmall && (
        <a class="button primary" href={comparePath(names)}>
          <Icon name="compare" /> {names.length > kMaxCompared ? "Find outliers" : "Compare"}
        </a>
      )}
      <button
        type="button"
        class="button"
        onClick={() => {
          edited.value = names;
        }}
      >
        <Icon name="edit" /> Tags…
      </button>
      <button type="button" class="button" onClick={() => save("csv")}>
        CSV
      </button>
      <button type="button" class="button" onClick={() => save("json")}>
        JSON
      </button>
      <button
        type="button"
        class="icon-button"
        onClick={clearSelection}
        aria-label="Clear the selection"
        title="Clear (Esc)"
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
