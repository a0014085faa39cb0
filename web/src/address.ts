// Which page an address means.  Paths are real paths, so that every link can be opened in a new tab and sent on.

export type Route =
  | { page: "fleet" }
  | { page: "host"; host: string }
  | { page: "compare"; hosts: string[] }
  | { page: "unknown" };

/** The most hosts of which each has a line of its own; more are small multiples. */
export const kMaxCompared = 8;
/** The most that can be looked at together at all. */
export const kMaxSmall = 60;

export function parseRoute(path: string, search: string): Route {
  if (path === "/") return { page: "fleet" };
  if (path === "/compare") {
    const names = (new URLSearchParams(search).get("hosts") ?? "").split(",").filter(Boolean);
    return { page: "compare", hosts: [...new Set(names)].slice(0, kMaxSmall) };
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
