// The charts of a host, all on one range, one crosshair and one request.
import { useMemo, useState } from "preact/hooks";
import type { Host } from "../../api-types";
import { ChartPanel, type Window } from "../../charts/chart-panel";
import { kFamilies } from "../../charts/families";
import type { Face } from "../../components/panel";
import * as format from "../../format";
import type { Columns } from "../../series";
import { now } from "../../state/clock";
import type { Snapshot } from "../../state/history";
import { useHistory } from "../../state/use-history";
import { NothingInRange } from "./nothing-in-range";

const kTypes = [...new Set(kFamilies.flatMap((family) => family.types))];

interface Props {
  name: string;
  host: Host | null;
  range: number;
  interval: number;
}

/** The face that all charts of the page share; a single one may still be empty. */
function sharedFace(state: Snapshot, host: Host | null, interval: number, retry: () => void): Face {
  const last = state.columns.times.at(-1);
  if (last === undefined) {
    if (state.loading) return { kind: "loading" };
    if (state.error) return { kind: "error", text: state.error, retry };
    return { kind: "empty", text: "No samples in this range." };
  }
  if (state.error) return { kind: "stale", text: "not updated" };
  const silent = now.value - (host?.last_seen ?? last);
  if (host && host.status !== "online")
    return { kind: "stale", text: `last value ${format.duration(silent)} old` };
  // The status may lag behind; the data never lie about their age.
  if (silent > Math.max(60, 6 * interval))
    return { kind: "stale", text: `last value ${format.duration(silent)} old` };
  return { kind: "ok" };
}

/** The page's window in time: the newest `range` seconds, moving a grid cell at a time, or what was zoomed to. */
function useWindow(range: number, step: number, zoom: Window | null): Window {
  if (zoom) return zoom;
  const end = Math.ceil(now.value / step) * step;
  return { start: end - range, end };
}

export function Charts({ name, host, range, interval }: Props) {
  const [zoomed, setZoom] = useState<{ key: string; window: Window } | null>(null);
  // An agent ticks faster while somebody looks at its host: the grid must not change under the eye for that.
  const [usual] = useState(interval);
  const history = useHistory(name, kTypes, range, usual);
  const state = history.state.value;
  const key = `${name} ${range}`;
  const zoom = zoomed?.key === key ? zoomed.window : null;
  const window = useWindow(range, state.step, zoom);
  const face = sharedFace(state, host, usual, history.refresh);
  const families = useMemo(() => drawAll(state.columns), [state.columns]);
  const missing = face.kind === "loading" ? [] : families.filter(({ drawn }) => !drawn.lines.length);
  const shown = families.filter(({ drawn }) => drawn.lines.length || !state.columns.times.length);
  const onZoom = (next: Window | null) => setZoom(next && { key, window: next });

  if (face.kind === "empty") return <NothingInRange host={host} />;
  return (
    <>
      {zoom && (
        <p class="zoom-note" role="status">
          {format.clockSeconds(zoom.start)} – {format.clockSeconds(zoom.end)}{" "}
          <button type="button" class="link-button" onClick={() => setZoom(null)}>
            Show the whole range
          </button>
        </p>
      )}
      <div class="charts">
        {shown.map(({ family, drawn, top }) => (
          <ChartPanel
            key={family.id}
            id={family.id}
            title={family.title}
            note={family.note}
            unit={family.unit}
            stacked={family.stacked}
            leastTop={family.leastTop}
            top={top}
            drawn={drawn}
            window={window}
            since={host?.first_seen ?? null}
            interval={Math.max(usual, state.step)}
            face={face}
            syncKey={`host ${name}`}
            onZoom={onZoom}
          />
        ))}
      </div>
      {state.columns.times.length > 0 && missing.length > 0 && (
        <p class="fine">
          Not sent by this host in this range: {missing.map(({ family }) => family.title).join(", ")}.
        </p>
      )}
    </>
  );
}

function drawAll(columns: Columns) {
  return kFamilies.map((family) => ({
    family,
    drawn: family.draw(columns),
    top: family.top?.(columns) ?? null,
  }));
}
