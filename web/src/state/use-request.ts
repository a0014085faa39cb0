// One request for as long as a component shows its answer.
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api";
import { noticeRefusal } from "./session";

export interface Answer<T> {
  data: T | null;
  error: ApiError | null;
  /** Asks again; the old answer stays until the new one is there. */
  reload(): void;
}

/**
 * Asks whenever `key` changes; an answer that comes after the key has changed again is dropped.
 * A new key starts without data, `reload` keeps it; with `keep` the old answer stays until the new one is there,
 * for as long as `keep` is the same.
 */
export function useRequest<T>(
  key: string,
  ask: (signal: AbortSignal) => Promise<T>,
  { keep }: { keep?: string } = {},
): Answer<T> {
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ key: string; keep?: string; data: T | null; error: ApiError | null }>({
    key,
    keep,
    data: null,
    error: null,
  });
  useEffect(() => {
    const abort = new AbortController();
    ask(abort.signal).then(
      (data) => setState({ key, keep, data, error: null }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        noticeRefusal(error);
        const known = error instanceof ApiError ? error : new ApiError(0, "failed", String(error));
        setState((old) => ({ key, keep, data: old.key === key ? old.data : null, error: known }));
      },
    );
    return () => abort.abort();
  }, [key, round]);
  const current = state.key === key || (keep !== undefined && state.keep === keep);
  return {
    data: current ? state.data : null,
    error: current ? state.error : null,
    reload: () => setRound((n) => n + 1),
  };
}
