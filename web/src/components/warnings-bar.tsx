// What the operator of the aggregator should change, as the aggregator itself sees it: weak tokens, open reads.
import { useSignal } from "@preact/signals";
import { getHealth } from "../api";
import { useRequest } from "../state/use-request";
import { Icon } from "./icons";

export function WarningsBar() {
  const { data } = useRequest("health", getHealth);
  const closed = useSignal(false);
  const warnings = data?.warnings ?? [];
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
