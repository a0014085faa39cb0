// Which lines of a long list are near the window: only these are drawn.
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

// Drawn beyond the window on both sides, so that a step of the keyboard or the wheel finds something.
const kMargin = 600;

/** The span [top, bottom) of `box` that is near the window, in its own pixels, and the width it has. */
export function useVisibleSpan(box: RefObject<HTMLElement | null>): {
  top: number;
  bottom: number;
  width: number;
} {
  const span = useSignal({ top: 0, bottom: 1600, width: 0 });
  useLayoutEffect(() => {
    let asked = 0;
    const measure = () => {
      asked = 0;
      const place = box.current?.getBoundingClientRect();
      if (!place) return;
      // In steps of half the margin: scrolling by a few pixels draws nothing again.
      const step = kMargin / 2;
      const top = Math.max(0, Math.floor((-place.top - kMargin) / step) * step);
      const bottom = Math.max(0, Math.ceil((innerHeight - place.top + kMargin) / step) * step);
      const old = span.peek();
      if (old.top !== top || old.bottom !== bottom || old.width !== place.width)
        span.value = { top, bottom, width: place.width };
    };
    const ask = () => {
      asked ||= requestAnimationFrame(measure);
    };
    measure();
    addEventListener("scroll", ask, { passive: true });
    const resize = new ResizeObserver(ask);
    if (box.current) resize.observe(box.current);
    return () => {
      removeEventListener("scroll", ask);
      resize.disconnect();
      cancelAnimationFrame(asked);
    };
  }, []);
  return span.value;
}
