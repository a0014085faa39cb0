// How the curves are laid out, and which host the others are held against.
import {
  kLayouts,
  kPers,
  layout,
  per,
  referenceOf,
  setLayout,
  setPer,
  setReference,
} from "../../state/compare-view";

export function Layouts({ hosts }: { hosts: readonly string[] }) {
  return (
    <div class="toolbar">
      <fieldset class="segments">
        <legend class="hidden">Layout</legend>
        {kLayouts.map(({ id, title }) => (
          <button key={id} type="button" aria-pressed={layout.value === id} onClick={() => setLayout(id)}>
            {title}
          </button>
        ))}
      </fieldset>
      <label class="choice" title="Percentages and temperatures stay as they are">
        Per
        <select
          class="input"
          value={per.value?.id ?? ""}
          onChange={(event) => setPer(event.currentTarget.value || null)}
        >
          <option value="">host</option>
          {kPers.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {layout.value === "difference" && (
        <label class="choice">
          From
          <select
            class="input"
            value={referenceOf(hosts)}
            onChange={(event) => setReference(event.currentTarget.value)}
          >
            {hosts.map((host) => (
              <option key={host} value={host}>
                {host}
              </option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}
