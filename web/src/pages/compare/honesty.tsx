// How far the comparison can be trusted: what is missing, and whose clock is off.
import type { CompareAnswer } from "../../api-types";
import * as format from "../../format";

// Below this, clocks differ by less than a tick is long.
const kOffsetWorthSaying = 0.5;

export function Honesty({ answer }: { answer: CompareAnswer }) {
  const parts = answer.hosts.map((host) => {
    const missing = answer.missing[host];
    const offset = answer.clock_offset[host];
    const said = [
      missing === null || missing === undefined
        ? "known for too short a time to say what is missing"
        : `${format.percent(100 * missing, 1)} of samples missing`,
    ];
    if (offset && Math.abs(offset) >= kOffsetWorthSaying) said.push(`clock off by ${format.seconds(offset)}`);
    return `${host}: ${said.join(", ")}`;
  });
  return (
    <p class="fine honesty">
      {format.dateTime(answer.start)} – {format.clockSeconds(answer.end)}. {parts.join("; ")}.
    </p>
  );
}
