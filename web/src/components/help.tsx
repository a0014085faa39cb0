// The list of shortcuts, made from the table that obeys them.
import { helpOpen, kShortcuts } from "../state/shortcuts";
import { Dialog } from "./dialog";

export function Help() {
  if (!helpOpen.value) return null;
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <Dialog title="Keyboard" onClose={close}>
      <dl class="shortcuts">
        {kShortcuts.map(({ keys, text }) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <p class="fine">
        Search understands words, <code>role:db</code>, <code>state:offline</code>, <code>cpu&gt;80</code> and{" "}
        <code>-word</code> for “without”. In a chart: drag to zoom, with Shift to move along, double click for
        the whole range. On a column's heading: Shift and an arrow key move it.
      </p>
      <button type="button" class="button" onClick={close}>
        Close
      </button>
    </Dialog>
  );
}
