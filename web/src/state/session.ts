// Whether the aggregator wants a read token before it answers.
import { signal } from "@preact/signals";
import { ApiError, openSession } from "../api";

export const needsToken = signal(false);

/** Called with every failure; true when it was a missing or wrong session. */
export function noticeRefusal(error: unknown): boolean {
  const refused = error instanceof ApiError && error.status === 401;
  if (refused) needsToken.value = true;
  return refused;
}

/** Opens a session and starts the page afresh, so that every panel asks again. */
export async function signIn(token: string): Promise<void> {
  await openSession(token);
  location.reload();
}
