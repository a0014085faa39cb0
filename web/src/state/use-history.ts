// A History for as long as a component shows it, refreshed whenever the host has pushed.
import { effect } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { History } from "./history";
import { hostSignal } from "./hosts";

export function useHistory(host: string, types: readonly string[], range: number, interval: number): History {
  const key = types.join(" ");
  const history = useMemo(
    () => new History(host, key.split(" "), range, interval),
    [host, key, range, interval],
  );
  useEffect(() => {
    let seen: number | null | undefined;
    const end = effect(() => {
      const pushed = hostSignal(host)?.value.last_seen;
      if (seen !== undefined && pushed !== seen) history.refresh();
      seen = pushed;
    });
    return () => {
      end();
      history.stop();
    };
  }, [history]);
  return history;
}
