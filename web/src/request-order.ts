// What is looked at first is asked for first: the other requests of a page wait while an urgent one is under way.

// An answer has to be drawn before others may compete with it for the processor, here and at the aggregator.
const kDrawMs = 50;
// An urgent answer that takes this long holds up nobody any more.
const kMostMs = 2_000;

let urgent = 0;
let waiting: (() => void)[] = [];

function release(): void {
  if (urgent > 0) return;
  const freed = waiting;
  waiting = [];
  for (const go of freed) go();
}

/** Runs `ask` at once; who waits for `whenIdle` goes on after it. */
export async function urgently<T>(ask: () => Promise<T>): Promise<T> {
  urgent += 1;
  try {
    return await ask();
  } finally {
    urgent -= 1;
    setTimeout(release, kDrawMs);
  }
}

/** Resolves when no urgent request is under way. */
export function whenIdle(): Promise<void> {
  if (urgent === 0) return Promise.resolve();
  return new Promise((resolve) => {
    waiting.push(resolve);
    setTimeout(resolve, kMostMs);
  });
}
