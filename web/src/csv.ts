// Tables as files: CSV for spreadsheets, JSON for programs.

type Cell = string | number | null | undefined;

/** A cell as text.  What a spreadsheet would take for a formula begins with an apostrophe: names are hostile input. */
function quoted(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "number") return String(cell);
  const safe = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 4180, with a heading. */
export function toCsv(heading: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [heading, ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
}
