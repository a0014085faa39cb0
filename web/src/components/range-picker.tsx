// The time range of a page, one press each.
import { kRanges, range, setRange } from "../state/range";

export function RangePicker() {
  return (
    <fieldset class="segments">
      <legend class="hidden">Time range</legend>
      {kRanges.map(({ name }) => (
        <button
          key={name}
          type="button"
          aria-pressed={range.value.name === name}
          onClick={() => setRange(name)}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}
