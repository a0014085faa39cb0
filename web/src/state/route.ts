// The page that is shown and what its address says of it, as signals; links and keys lead from one to another.
import { batch, signal } from "@preact/signals";
import { parseRoute, type Route } from "../address";

export function hostPath(name: string): string {
  return `/hosts/${encodeURIComponent(name)}`;
}

/** A section of a host's page, on the range that is shown now. */
export function sectionPath(name: string, section: string): string {
  const search = new URLSearchParams(parameters.value);
  if (section === "overview") search.delete("tab");
  else search.set("tab", section);
  const text = search.toString();
  return hostPath(name) + (text ? `?${text}` : "");
}

export function comparePath(names: readonly string[]): string {
  return `/compare?hosts=${names.map(encodeURIComponent).join(",")}`;
}

export const route = signal<Route>(parseRoute(location.pathname, location.search));
export const parameters = signal(new URLSearchParams(location.search));

function read(): void {
  batch(() => {
    const next = parseRoute(location.pathname, location.search);
    // The same object while the page is the same: a letter in the search box draws no page anew.
    if (JSON.stringify(next) !== JSON.stringify(route.peek())) route.value = next;
    parameters.value = new URLSearchParams(location.search);
  });
}

export function navigate(url: string): void {
  if (url === location.pathname + location.search) return;
  const samePage = new URL(url, location.href).pathname === location.pathname;
  history.pushState(null, "", url);
  read();
  if (!samePage) scrollTo(0, 0);
}

/**
 * Sets query parameters; null removes one.
 * In place, unless `step` makes it a step of the history: then the browser's Back undoes it.
 */
export function setParameters(changes: Readonly<Record<string, string | null>>, step = false): void {
  const search = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) search.delete(name);
    else search.set(name, value);
  }
  // A comma or a colon needs no escape in a query, and "hosts=a,b" is what people read and type.
  const text = search.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  const url = location.pathname + (text ? `?${text}` : "");
  if (url === location.pathname + location.search) return;
  if (step) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  read();
}

export function setParameter(name: string, value: string | null): void {
  setParameters({ [name]: value });
}

/** Follows links of this page without a reload; every other click is the browser's. */
function onClick(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || link.target || link.origin !== location.origin || link.hasAttribute("download")) return;
  if (parseRoute(link.pathname, link.search).page === "unknown") return;
  event.preventDefault();
  navigate(link.pathname + link.search);
}

export function startRouter(): void {
  addEventListener("popstate", read);
  document.addEventListener("click", onClick);
}
