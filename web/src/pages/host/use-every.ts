// Asks again from time to time while the page is visible.
import { useEffect } from "preact/hooks";

export function useEvery(milliseconds: number, run: () => void): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) run();
    }, milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}
