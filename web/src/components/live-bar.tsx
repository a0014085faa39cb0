// The slim bar that says when live updates are missing; never in the way of what is shown.
import { useEffect, useState } from "preact/hooks";
import { connection, retryAt, retryNow } from "../state/live";
import { needsToken } from "../state/session";

function Countdown() {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 500);
    return () => clearInterval(timer);
  }, []);
  const left = Math.ceil((retryAt.value - Date.now()) / 1000);
  return <>{left > 0 ? `next try in ${left} s` : "trying now…"}</>;
}

export function LiveBar() {
  if (connection.value !== "lost" || needsToken.value) return null;
  return (
    <div class="live-bar" role="status">
      <span>
        <strong>Live updates lost</strong>, <Countdown />. What is shown may be old.
      </span>
      <button type="button" class="link-button" onClick={retryNow}>
        Try now
      </button>
    </div>
  );
}
