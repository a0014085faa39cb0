// The check box of one host.
import { useComputed } from "@preact/signals";
import { selected, toggleSelected } from "../../state/selection";

export function useIsSelected(name: string): boolean {
  return useComputed(() => selected.value.has(name)).value;
}

export function SelectBox({ name }: { name: string }) {
  return (
    <label class="check-target">
      <input
        type="checkbox"
        aria-label={`Select ${name}`}
        checked={useIsSelected(name)}
        onChange={() => toggleSelected(name)}
      />
    </label>
  );
}
