// The first screen of a host: the charts that answer most questions, on one range, one crosshair, one request.
import type { Host } from "../../api-types";
import { kFamilies, kFirstTypes } from "../../charts/families";
import type { Mark } from "../../charts/marks";
import type { Face } from "../../components/panel";
import * as format from "../../format";
import { now } from "../../state/clock";
import type { Snapshot } from "../../state/history";
import { earlier, range } from "../../state/range";
import type { Window } from "../../time-range";
import { FamilyChart } from "./family-chart";
import { NothingInRange } from "./nothing-in-range";
import { useHostData } from "./use-host-data";

/** The face that all charts of the page share; a single one may still be empty. */
export function sharedFace(state: Snapshot, host: Host | null, interval: number, retry: () => void): Face {
  const last = state.columns.times.at(-1);
  if (last === undefined) {
    if (state.loading) return { kind: "loading" };
    if (state.error) return { kind: "error", text: state.error, retry };
    return { kind: "empty", text: "No samples in this range." };
  }
  if (state.error) return { kind: "stale", text: "not updated" };
  if (range.value.fixed) return { kind: "ok" };
  const silent = now.value - (host?.last_seen ?? last);
  if (host && host.status !== "online")
    return { kind: "stale", text: `last value ${format.duration(silent)} old` };
  // The status may lag behind; the data never lie about their age.
  if (silent > Math.max(60, 6 * interval))
    return { kind: "stale", text: `last value ${format.duration(silent)} old` };
  return { kind: "ok" };
}

/** What is shown: the window that was chosen, or the newest values, moving a grid cell at a time. */
export function useShownWindow(step: number): Window {
  const { fixed, seconds } = range.value;
  if (fixed) return fixed;
  const end = Math.ceil(now.value / step) * step;
  return { start: end - seconds, end };
}

interface Props {
  name: string;
  host: Host | null;
  interval: number;
  causeOf(span: Window): string;
  marks: readonly Mark[];
}

export function Charts({ name, host, interval, causeOf, marks }: Props) {
  const data = useHostData(name, kFirstTypes, interval);
  const { state } = data;
  const window = useShownWindow(state.step);
  const face = sharedFace(state, host, interval, data.refresh);
  if (face.kind === "empty") return <NothingInRange host={host} />;
  return (
    <div class="charts">
      {data.beforeIsEmpty && earlier.value !== null && (
        <p class="notice plain-notice" role="status">
          Nothing is stored from {format.duration(earlier.value)} earlier: there is nothing to lay over these
          charts.
        </p>
      )}
      {kFamilies.map((family) => (
        <FamilyChart
          key={family.id}
          name={name}
          host={host}
          family={family}
          data={data}
          window={window}
          interval={interval}
          face={face}
          causeOf={causeOf}
          marks={marks}
        />
      ))}
    </div>
  );
}
