// Which page is shown.  Paths are real paths, so that every link can be opened in a new tab and sent on.
import { signal } from "@preact/signals";

export type Route =
  | { page: "fleet" }
  | { page: "host"; host: string }
  | { page: "compare"; hosts: string[] }
  | { page: "unknown" };

export const kMaxCompared = 8;

export function parseRoute(path: string, search: string): Route {
  if (path === "/") return { page: "fleet" };
  if (path === "/compare") {
    const names = (new URLSearchParams(search).get("hosts") ?? "").split(",").filter(Boolean);
    return { page: "compare", hosts: [...new Set(names)].slice(0, kMaxCompared) };
  }
  const match = /^\/hosts\/([^/]+)\/?$/.exec(path);
  if (match?.[1]) {
    try {
      return { page: "host", host: decodeURIComponent(match[1]) };
    } catch {
      return { page: "unknown" }; // a broken percent escape
    }
  }
  return { page: "unknown" };
}

export function hostPath(name: string): string {
  return `/hosts/${encodeURIComponent(name)}`;
}

export function comparePath(names: readonly string[]): string {
  return `/compare?hosts=${names.map(encodeURIComponent).join(",")}`;
}

export const route = signal<Route>(parseRoute(location.pathname, location.search));
export const parameters = signal(new URLSearchParams(location.search));

function read(): void {
  route.value = parseRoute(location.pathname, location.search);
  parameters.value = new URLSearchParams(location.search);
}

export function navigate(url: string): void {
  if (url === location.pathname + location.search) return;
  const samePage = new URL(url, location.href).pathname === location.pathname;
  history.pushState(null, "", url);
  read();
  if (!samePage) scrollTo(0, 0);
}

/** Sets one query parameter in place, without a step in the history; null removes it. */
export function setParameter(name: string, value: string | null): void {
  const search = new URLSearchParams(location.search);
  if (value === null) search.delete(name);
  else search.set(name, value);
  // A comma needs no escape in a query, and "hosts=a,b" is what people read and type.
  const text = search.toString().replaceAll("%2C", ",");
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
  read();
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
