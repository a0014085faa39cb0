// What the operator of the aggregator should change, as the aggregator itself sees it: weak tokens, open reads.
import { useSignal } from "@preact/signals";
import { health } from "../state/health";
import { Icon } from "./icons";

export function WarningsBar() {
  const closed = useSignal(false);
  const warnings = health.value?.warnings ?? [];
  if (closed.value || !warnings.length) return null;
  return (
    <aside class="warnings-bar" aria-label="Warnings about this aggregator">
      <Icon name="warn" />
      <ul>
        {warnings.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      <button
        type="button"
        class="icon-button small"
        aria-label="Hide until the next visit"
        title="Hide until the next visit"
        onClick={() => {
          closed.value = true;
        }}
      >
        <Icon name="close" />
      </button>
    </aside>
  );
}
