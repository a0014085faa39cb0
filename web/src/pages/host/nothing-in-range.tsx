// What the page says when the host sent nothing in the whole range, and the way to where it did.
import type { Host } from "../../api-types";
import { Panel } from "../../components/panel";
import * as format from "../../format";
import { now } from "../../state/clock";
import { goLive, range, setRange } from "../../state/range";
import { kPresets } from "../../time-range";

export function NothingInRange({ host }: { host: Host | null }) {
  const seen = host?.last_seen ?? null;
  const { fixed, name, seconds } = range.value;
  const gone = seen === null ? null : now.value - seen;
  const wider = gone === null ? undefined : kPresets.find((one) => one.seconds > gone);
  const shown = fixed
    ? `between ${format.dateTime(fixed.start)} and ${format.dateTime(fixed.end)}`
    : `in the last ${name}`;
  return (
    <Panel title="Charts" face={{ kind: "ok" }}>
      <div class="face">
        <p>
          No samples {shown}. The host was last seen {format.age(seen, now.value)}
          {host?.first_seen ? `, first on ${format.dateTime(host.first_seen)}` : ""}.
        </p>
        {wider && wider.seconds > seconds && (
          <button type="button" class="button" onClick={() => setRange(wider.name)}>
            Show the last {wider.name}
          </button>
        )}
        {fixed && (
          <button type="button" class="button" onClick={goLive}>
            Show the newest values
          </button>
        )}
      </div>
    </Panel>
  );
}
