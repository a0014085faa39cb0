// Asks for the read token where the aggregator wants one.
import { useSignal } from "@preact/signals";
import { ApiError } from "../api";
import { needsToken, signIn } from "../state/session";
import { Dialog } from "./dialog";

export function TokenDialog() {
  const token = useSignal("");
  const error = useSignal<string | null>(null);
  const busy = useSignal(false);
  if (!needsToken.value) return null;

  const submit = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    error.value = null;
    try {
      await signIn(token.value.trim());
    } catch (cause) {
      error.value =
        cause instanceof ApiError && cause.status === 401
          ? "The aggregator does not accept this token."
          : String((cause as Error).message);
    } finally {
      busy.value = false;
    }
  };
  return (
    <Dialog title="This aggregator asks for a token">
      <form class="token-form" onSubmit={submit}>
        <p>Paste a token that may read. It is traded for a session cookie and not kept by this page.</p>
        <label>
          Token
          <input
            class="input"
            type="password"
            autocomplete="current-password"
            required
            value={token.value}
            onInput={(event) => {
              token.value = event.currentTarget.value;
            }}
          />
        </label>
        {error.value && (
          <p class="form-error" role="alert">
            {error.value}
          </p>
        )}
        <button type="submit" class="button primary" disabled={busy.value}>
          Open
        </button>
      </form>
    </Dialog>
  );
}
