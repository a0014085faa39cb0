// How long ago something was: counts on by itself, without drawing anything else again.
import * as format from "../format";
import { now } from "../state/clock";

export function Age({ time }: { time: number | null }) {
  return (
    <time class="age" title={time === null ? undefined : format.dateTime(time)}>
      {format.age(time, now.value)}
    </time>
  );
}
