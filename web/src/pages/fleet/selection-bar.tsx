// What is selected, and the way to compare it.
import { Icon } from "../../components/icons";
import { comparePath, kMaxCompared } from "../../state/route";
import { clearSelection, selected } from "../../state/selection";

export function SelectionBar() {
  const names = selected.value;
  if (!names.length) return null;
  return (
    <div class="selection-bar" role="status">
      <span>
        <strong>{names.length}</strong> selected
        {names.length === kMaxCompared && " (the most that can be compared)"}
      </span>
      {names.length >= 2 ? (
        <a class="button primary" href={comparePath(names)}>
          <Icon name="compare" /> Compare
        </a>
      ) : (
        <span class="fine">choose one more to compare</span>
      )}
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
