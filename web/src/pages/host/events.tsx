// What happened to a host, newest first: boots, gaps with their cause, what was dropped.
import { type Face, Panel } from "../../components/panel";
import * as format from "../../format";
import { setWindow } from "../../state/range";
import { entriesOf } from "./entries";
import type { Story } from "./use-story";

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
