// What time it is at the aggregator: ages must not depend on how well this computer's clock is set.
import { signal } from "@preact/signals";
import { offsetAfter } from "../server-clock";

let offset = 0; // seconds to add to the local clock

/** Unix seconds by the aggregator's clock, once a second while the page is visible. */
export const now = signal(Date.now() / 1000);

/** Counts up when the clock turns out to be off by more than this: what was asked for by it is asked again. */
export const clockSet = signal(0);
const kWorthSetting = 2; // seconds

/** Takes the aggregator's clock from a message that has just arrived, and was sent after `sentAfter` if that is known. */
export function setServerTime(time: number, sentAfter: number | null): void {
  const old = offset;
  offset = offsetAfter(old, time, Date.now() / 1000, sentAfter);
  tick();
  if (Math.abs(offset - old) > kWorthSetting) clockSet.value += 1;
}

function tick(): void {
  now.value = Date.now() / 1000 + offset;
}

setInterval(() => {
  if (!document.hidden) tick();
}, 1000);
document.addEventListener("visibilitychange", tick);
