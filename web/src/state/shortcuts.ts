// The keyboard: one table that is obeyed here and shown by the help.
import { signal } from "@preact/signals";
import { kMaxSmall } from "../address";
import { kPresets } from "../time-range";
import { nextView } from "./fleet-view";
import { hostNames } from "./hosts";
import { setRange, shiftRange, toggleLive, togglePeaks, zoomOut } from "./range";
import { comparePath, hostPath, navigate, route } from "./route";
import { clearSelection, selected } from "./selection";
import { settingsOpen } from "./settings";
import { cycleTheme } from "./theme";

export const helpOpen = signal(false);
export const paletteOpen = signal(false);

export interface Shortcut {
  keys: string;
  text: string;
  /** It makes sense without a place that has the focus: the palette offers it. */
  command?: true;
  run(): void;
}

/** The host before or after the one that is shown, on the same section and range. */
function neighbour(by: number): void {
  const here = route.value;
  if (here.page !== "host") return;
  const names = hostNames.value;
  const next = names[(names.indexOf(here.host) + by + names.length) % names.length];
  if (next) navigate(hostPath(next) + location.search);
}

function focus(selector: string): void {
  const element = document.querySelector<HTMLElement>(selector);
  element?.focus();
  if (element instanceof HTMLInputElement) element.select();
}

/** Rows near the window exist, others are drawn a frame or more after the focus comes near them. */
const kFramesForRows = 30;
/** Steps that wait for rows. */
let owed = 0;

/** Moves the focus between the host links of the fleet's table. */
function step(by: number): void {
  const waits = owed !== 0;
  owed = owed * by < 0 ? by : owed + by; // who turns round means it
  if (!waits) takeSteps(kFramesForRows);
}

function takeSteps(frames: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("[data-host-link]")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const wanted = at < 0 ? (owed > 0 ? 0 : links.length - 1) : at + owed;
  const next = Math.min(links.length - 1, Math.max(0, wanted));
  links[next]?.focus();
  links[next]?.scrollIntoView({ block: "nearest" });
  owed = frames > 0 && links.length ? wanted - next : 0;
  if (owed) requestAnimationFrame(() => retry(next === at ? frames - 1 : kFramesForRows));
}

function retry(frames: number): void {
  if (document.activeElement?.matches("[data-host-link]")) takeSteps(frames);
  else owed = 0; // the visitor has gone elsewhere
}

function compare(): void {
  const here = route.value;
  if (here.page === "host") navigate(comparePath([here.host]));
  else if (here.page === "fleet" && selected.value.size >= 2)
    navigate(comparePath([...selected.value].slice(0, kMaxSmall)));
}

function toggleFocusedRow(): void {
  document.activeElement?.closest("[data-host]")?.querySelector<HTMLElement>("input[type=checkbox]")?.click();
}

/** Runs on the pages that have a range of time. */
function onRange(run: () => void): void {
  if (route.value.page === "host" || route.value.page === "compare") run();
}

function back(): void {
  if (helpOpen.value) helpOpen.value = false;
  else if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
  else if (selected.value.size && route.value.page === "fleet") clearSelection();
  else if (route.value.page !== "fleet") navigate("/");
}

export const kShortcuts: readonly Shortcut[] = [
  { keys: "/", text: "Search hosts", command: true, run: () => focus("[data-search]") },
  { keys: "j", text: "Next host in the table", run: () => step(1) },
  { keys: "k", text: "Previous host in the table", run: () => step(-1) },
  { keys: "Enter", text: "Open the focused host", run: () => {} },
  { keys: "x", text: "Select the focused host", run: toggleFocusedRow },
  { keys: "c", text: "Compare the selected hosts, or this one with others", command: true, run: compare },
  { keys: "p", text: "Previous host, same section and range", command: true, run: () => neighbour(-1) },
  { keys: "n", text: "Next host, same section and range", command: true, run: () => neighbour(1) },
  { keys: "g c", text: "Go to compare", command: true, run: () => navigate("/compare") },
  { keys: "g f", text: "Go to the fleet", command: true, run: () => navigate("/") },
  {
    keys: "g s",
    text: "Settings",
    command: true,
    run: () => {
      settingsOpen.value = true;
    },
  },
  { keys: "g h", text: "Choose a host", run: () => focus("[data-host-picker]") },
  ...kPresets.slice(0, 9).map(({ name }, index) => ({
    keys: String(index + 1),
    text: `The last ${name}`,
    command: true as const,
    run: () => onRange(() => setRange(name)),
  })),
  { keys: "[", text: "Half a range earlier", command: true, run: () => onRange(() => shiftRange(-1)) },
  { keys: "]", text: "Half a range later", command: true, run: () => onRange(() => shiftRange(1)) },
  { keys: "z", text: "Twice the range", command: true, run: () => onRange(zoomOut) },
  { keys: "l", text: "Live, or hold still", command: true, run: () => onRange(toggleLive) },
  { keys: "m", text: "Peaks or averages", command: true, run: () => onRange(togglePeaks) },
  {
    keys: "v",
    text: "View: table, grid, map",
    command: true,
    run: () => route.value.page === "fleet" && nextView(),
  },
  { keys: "t", text: "Theme: system, light, dark", command: true, run: cycleTheme },
  { keys: "Esc", text: "Close, clear, or back to the fleet", run: back },
  {
    keys: "Ctrl K",
    text: "Find a host or a command",
    run: () => {
      paletteOpen.value = !paletteOpen.value;
    },
  },
  {
    keys: "?",
    text: "This help",
    command: true,
    run: () => {
      helpOpen.value = !helpOpen.value;
    },
  },
];

const kNames: Record<string, string> = { Escape: "Esc", ArrowDown: "j", ArrowUp: "k" };
// Enter belongs to the browser: it follows the focused link.
const kBrowserKeys = new Set(["Enter"]);
const kChordMs = 1000;

let prefix = "";
let prefixTime = 0;

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.matches("textarea, select, [contenteditable]") ||
    (target instanceof HTMLInputElement && target.type !== "checkbox")
  );
}

function onKey(event: KeyboardEvent): void {
  if (
    event.key.toLowerCase() === "k" &&
    (event.ctrlKey || event.metaKey) &&
    !event.altKey &&
    !event.shiftKey
  ) {
    event.preventDefault();
    // Over another dialog, such as the question for a token, nothing opens.
    if (paletteOpen.value || !document.querySelector("dialog[open]")) paletteOpen.value = !paletteOpen.value;
    return;
  }
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  // An open dialog has its own keys (and closes on Escape by itself).
  if (document.querySelector("dialog[open]") && event.key !== "?") return;
  const arrow = event.key.startsWith("Arrow");
  // Arrows scroll the page unless a row has the focus.
  if (arrow && !document.activeElement?.matches("[data-host-link]")) return;
  const key = kNames[event.key] ?? event.key;
  if (isTyping(event.target) && key !== "Esc") return;
  const chord = prefix && Date.now() - prefixTime < kChordMs ? `${prefix} ${key}` : key;
  prefix = "";
  const found = kShortcuts.find((one) => one.keys === chord);
  if (found && !kBrowserKeys.has(key)) {
    event.preventDefault();
    found.run();
  } else if (kShortcuts.some((one) => one.keys.startsWith(`${key} `))) {
    prefix = key;
    prefixTime = Date.now();
  }
}

export function startShortcuts(): void {
  document.addEventListener("keydown", onKey);
}
