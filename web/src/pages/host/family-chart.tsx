// One family's chart on a host's page, with its band, its earlier self and the causes of its gaps.
import { useMemo } from "preact/hooks";
import type { Host } from "../../api-types";
import { ChartPanel } from "../../charts/chart-panel";
import type { Family } from "../../charts/families";
import type { Over } from "../../charts/layers";
import { total } from "../../charts/lines";
import type { Mark } from "../../charts/marks";
import { pointText } from "../../charts/point-text";
import type { Face } from "../../components/panel";
import type { Columns } from "../../series";
import { goLive, moveTo, setWindow } from "../../state/range";
import type { Window } from "../../time-range";
import type { HostData } from "./use-host-data";

interface Props {
  name: string;
  host: Host | null;
  family: Family;
  data: HostData;
  window: Window;
  interval: number;
  face: Face;
  causeOf(span: Window): string;
  marks: readonly Mark[];
}

/** An earlier time over the lines of now: of a stack only its height, else each line that has one. */
function earlierOf(family: Family, before: Columns | null): Over[] {
  if (!before?.times.length) return [];
  const drawn = family.draw(before);
  if (!drawn.lines.length) return [];
  if (!family.stacked) return [{ kind: "earlier", drawn }];
  const columns = drawn.values.map((values) => ({ type: "", tags: {}, unit: "", kind: "", values }));
  const line = { label: "earlier", color: "--text" };
  return [{ kind: "earlier", drawn: { times: drawn.times, lines: [line], values: [total(columns)] } }];
}

/** The highest that a stack reached inside its cells, from the metric that says so. */
function highestOf(family: Family, high: Columns | null): Over[] {
  const column = family.peak && high?.columns.find((one) => one.type === family.peak);
  if (!high || !column) return [];
  const line = { label: "highest", color: "--text" };
  return [{ kind: "highest", drawn: { times: high.times, lines: [line], values: [column.values] } }];
}

export function FamilyChart({ name, host, family, data, window, interval, face, causeOf, marks }: Props) {
  const { shown, low, high, before, state } = data;
  const drawn = useMemo(
    () => family.draw(family.stacked ? state.columns : shown),
    [family, shown, state.columns],
  );
  const band = useMemo(
    () => (low && high && !family.stacked ? { low: family.draw(low), high: family.draw(high) } : null),
    [family, low, high],
  );
  const over = useMemo(
    () => [...earlierOf(family, before), ...highestOf(family, high)],
    [family, before, high],
  );
  const top = useMemo(() => family.top?.(state.columns) ?? null, [family, state.columns]);
  if (state.columns.times.length > 0 && !drawn.lines.length) return null;
  return (
    <ChartPanel
      id={family.id}
      title={family.title}
      note={family.note}
      unit={family.unit}
      stacked={family.stacked}
      leastTop={family.leastTop}
      top={top}
      drawn={drawn}
      band={band}
      over={over}
      window={window}
      // Until the host is known nobody can say since when it should have sent.
      since={host ? host.first_seen : window.end}
      causeOf={causeOf}
      interval={Math.max(interval, state.step)}
      face={face}
      syncKey={`host ${name}`}
      source={{ hosts: [name], types: family.types, step: state.step }}
      marks={marks}
      told={pointText(state.step, state.tier)}
      onZoom={(next) => (next ? setWindow(next) : goLive())}
      onPan={moveTo}
    />
  );
}
