// The bar on top of every page: where am I, which host, is it live.

import { computed } from "@preact/signals";
import { kMaxSmall } from "../address";
import { connection } from "../state/live";
import { comparePath, hostPath, navigate, route } from "../state/route";
import { selected } from "../state/selection";
import { settingsOpen } from "../state/settings";
import { helpOpen } from "../state/shortcuts";
import { cycleTheme, theme } from "../state/theme";
import { HostPicker } from "./host-picker";
import { Icon } from "./icons";

const kConnectionWords = {
  connecting: "connecting",
  live: "live",
  lost: "not live",
  paused: "paused",
} as const;

const compareTarget = computed(() => {
  const here = route.value;
  if (here.page === "compare") return comparePath(here.hosts);
  if (here.page === "host") return comparePath([here.host]);
  return comparePath([...selected.value].slice(0, kMaxSmall));
});

function Connection() {
  const state = connection.value;
  return (
    <span class={`connection ${state}`} role="status" title="Live updates from the aggregator">
      <span class="dot" />
      {kConnectionWords[state]}
    </span>
  );
}

export function Header() {
  const page = route.value.page;
  const here = route.value.page === "host" ? route.value.host : null;
  return (
    <header class="top">
      <a class="brand" href="/">
        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
          <rect width="32" height="32" rx="8" class="brand-ground" />
          <path d="M5 17h5l3-8 5 15 3.5-7H27" class="brand-line" />
        </svg>
        <span>sysmon</span>
      </a>
      <nav aria-label="Pages">
        <a href="/" aria-current={page === "fleet" ? "page" : undefined}>
          Fleet
        </a>
        <a href={compareTarget.value} aria-current={page === "compare" ? "page" : undefined}>
          Compare
        </a>
      </nav>
      <HostPicker label={here ?? "Choose a host"} onPick={(name) => navigate(hostPath(name))} />
      <span class="spring" />
      <Connection />
      <button
        type="button"
        class="icon-button"
        onClick={cycleTheme}
        title={`Theme: ${theme.value} (t)`}
        aria-label={`Theme: ${theme.value}`}
      >
        <Icon name={theme.value} />
      </button>
      <button
        type="button"
        class="icon-button settings-button"
        onClick={() => {
          settingsOpen.value = true;
        }}
        title="Settings (g s)"
        aria-label="Settings"
      >
        <Icon name="settings" />
      </button>
      <button
        type="button"
        class="icon-button help-button"
        onClick={() => {
          helpOpen.value = true;
        }}
        title="Keyboard (?)"
        aria-label="Keyboard shortcuts"
      >
        ?
      </button>
    </header>
  );
}
