// Which lines of a long list are near the window: only these are drawn.
import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

// Drawn beyond the window on both sides, so that a step of the keyboard or the wheel finds something.
const kMargin = 600;
// Scrolling by a few pixels draws nothing again.
const kStep = kMargin / 2;

export interface Span {
  top: number;
  bottom: number;
  width: number;
}

/**
 * The span [top, bottom) of `box` that is near the window, in its own pixels, and the width it has.
 * Where `question` is new, what is asked for stands in the window first: what lies around it follows.
 */
export function useVisibleSpan(box: RefObject<HTMLElement | null>, question: string): Span {
  const span = useSignal<Span>({ top: 0, bottom: 1600, width: 0 });
  const inside = useRef({ top: 0, bottom: innerHeight });
  const answered = useSignal<string | null>(null);
  useLayoutEffect(() => {
    let asked = 0;
    const measure = () => {
      asked = 0;
      const place = box.current?.getBoundingClientRect();
      if (!place) return;
      inside.current = { top: Math.max(0, -place.top), bottom: Math.max(0, innerHeight - place.top) };
      const top = Math.max(0, Math.floor((-place.top - kMargin) / kStep) * kStep);
      const bottom = Math.max(0, Math.ceil((innerHeight - place.top + kMargin) / kStep) * kStep);
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
  const near = answered.value === question;
  useEffect(() => {
    if (near) return;
    // After the frame that shows the answer.
    const frame = requestAnimationFrame(() => {
      timer = setTimeout(() => {
        answered.value = question;
      });
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    return () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
    };
  }, [question, near]);
  return near ? span.value : { ...span.value, ...inside.current };
}
