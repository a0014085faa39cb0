/** `ids` with `id` at another index; beyond the ends it stays at the end. */
export function moved(ids: readonly string[], id: string, to: number): string[] {
  const others = ids.filter((one) => one !== id);
  others.splice(Math.min(others.length, Math.max(0, to)), 0, id);
  return others;
}
