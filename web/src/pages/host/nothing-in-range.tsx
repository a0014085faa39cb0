// What the page says when the host sent nothing in the whole range, and the way to where it did.
import type { Host } from "../../api-types";
import { Panel } from "../../components/panel";
import * as format from "../../format";
import { now } from "../../state/clock";
import { kRanges, range, setRange } from "../../state/range";

export function NothingInRange({ host }: { host: Host | null }) {
  const seen = host?.last_seen ?? null;
  const wider = seen === null ? undefined : kRanges.find((one) => one.seconds > now.value - seen);
  return (
    <Panel title="Charts" face={{ kind: "ok" }}>
      <div class="face">
        <p>
          No samples in the last {range.value.name}. The host was last seen {format.age(seen, now.value)}.
        </p>
        {wider && wider.name !== range.value.name && (
          <button type="button" class="button" onClick={() => setRange(wider.name)}>
            Show the last {wider.name}
          </button>
        )}
      </div>
    </Panel>
  );
}
