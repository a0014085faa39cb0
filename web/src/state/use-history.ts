// A History for as long as a component shows it, refreshed whenever the host has pushed.
import { effect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { clockSet } from "./clock";
import { History, type Question, type Snapshot } from "./history";
import { hostSignal } from "./hosts";

/** What is known so far, and a way to ask again; null asks nothing. */
export function useHistory(question: Question | null): { state: Snapshot | null; refresh(): void } {
  const key = JSON.stringify([question, clockSet.value]);
  const history = useMemo(() => (question?.types.length ? new History(question) : null), [key]);
  useEffect(() => {
    if (!history || !question) return;
    let seen: number | null | undefined;
    const end = effect(() => {
      const pushed = hostSignal(question.host)?.value.last_seen;
      if (seen !== undefined && pushed !== seen && !question.range.fixed) history.refresh();
      seen = pushed;
    });
    return () => {
      end();
      history.stop();
    };
  }, [history]);
  return {
    state: history ? history.state.value : null,
    refresh: () => history?.refresh(),
  };
}
