// What happened to a host, newest first: boots, gaps with their cause, what was dropped.
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { reasonText } from "../../gaps";
import { setWindow } from "../../state/range";
import { eventText } from "./marks-of";
import type { Story } from "./use-story";

interface Entry {
  start: number;
  end: number | null;
  kind: string;
  text: string;
}

function detailText(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .filter(([key]) => key !== "stream")
    .map(([key, value]) => `${key.replaceAll("_", " ")} ${format.fact(key, value)}`)
    .join(", ");
}

function entriesOf({ gaps, missing, events }: Story): Entry[] {
  const batches = (from: number, to: number) => (to === from ? "1 batch" : `${to - from + 1} batches`);
  const fromGaps = gaps.map(({ start, end, text }) => ({ start, end, kind: "no samples", text }));
  const fromMissing = missing.map((one) => ({
    start: one.start,
    end: one.end,
    kind: one.reason === "missing" ? "missing" : "dropped",
    text: `${batches(one.from, one.to)}: ${reasonText(one.reason)}`,
  }));
  const others = events
    .filter((event) => event.kind !== "gap" && event.kind !== "dropped")
    .map((event) => ({ ...event, text: eventText(event) ?? detailText(event.detail) }));
  return [...fromGaps, ...fromMissing, ...others].sort((a, b) => b.start - a.start);
}

// So that what led there and what followed is seen.
const kAround = 900;

export function Events({ story }: { story: Story }) {
  const entries = entriesOf(story);
  let face: Face = { kind: "ok" };
  if (!story.loaded && story.error) face = { kind: "error", text: story.error, retry: story.reload };
  else if (!story.loaded) face = { kind: "loading" };
  else if (!entries.length) face = { kind: "empty", text: "Nothing out of the ordinary is recorded." };
  else if (story.error) face = { kind: "stale", text: "not updated" };
  return (
    <Panel title="Events and gaps" face={face} class="events">
      <div class="table-box">
        <table class="plain">
          <thead>
            <tr>
              <th>When</th>
              <th>What</th>
              <th>How long</th>
              <th>Detail</th>
            </tr>
          </thead>
          <tbody>
            {entries.map((one, index) => (
              <tr key={`${one.kind} ${one.start} ${index}`} data-event={one.kind}>
                <td>
                  <button
                    type="button"
                    class="link-button"
                    title="Show this time in the charts"
                    onClick={() =>
                      setWindow({ start: one.start - kAround, end: (one.end ?? one.start) + kAround })
                    }
                  >
                    {format.dateTime(one.start)}
                  </button>
                </td>
                <th scope="row">{one.kind.replaceAll("_", " ")}</th>
                <td>{one.end === null ? format.kAbsent : format.duration(one.end - one.start)}</td>
                <td class="wrap">{one.text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
