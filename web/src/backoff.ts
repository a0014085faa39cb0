// Waiting times between attempts to reconnect.

const kFirstMs = 500;
const kLongestMs = 30_000;

/** Milliseconds before attempt `attempt` (0 is the first); `random` in [0, 1) spreads many pages apart. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(kLongestMs, kFirstMs * 2 ** Math.min(attempt, 16));
  // Half fixed, half random: never at once, never all together.
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
