// What time it is at the aggregator: ages must not depend on how well this computer's clock is set.
import { signal } from "@preact/signals";

let offset = 0; // seconds to add to the local clock

/** Unix seconds by the aggregator's clock, once a second while the page is visible. */
export const now = signal(Date.now() / 1000);

/** Takes the aggregator's clock from a message that has just arrived. */
export function setServerTime(time: number): void {
  offset = time - Date.now() / 1000;
  tick();
}

function tick(): void {
  now.value = Date.now() / 1000 + offset;
}

setInterval(() => {
  if (!document.hidden) tick();
}, 1000);
document.addEventListener("visibilitychange", tick);
