// A chart for every metric of a section; one is asked for and drawn when it comes near the window.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Host } from "../../api-types";
import { anyMetric, type Metric } from "../../charts/any-metric";
import { kFamilies } from "../../charts/families";
import type { Mark } from "../../charts/marks";
import type { Window } from "../../time-range";
import { sharedFace, useShownWindow } from "./charts";
import { FamilyChart } from "./family-chart";
import { useHostData } from "./use-host-data";

interface Props {
  name: string;
  host: Host | null;
  interval: number;
  causeOf(span: Window): string;
  marks: readonly Mark[];
}

function Drawn({ metric, ...props }: Props & { metric: Metric }) {
  const family = useMemo(() => anyMetric(metric), [metric]);
  const data = useHostData(props.name, family.types, props.interval);
  const window = useShownWindow(data.state.step);
  const face = sharedFace(data.state, props.host, props.interval, data.refresh);
  return <FamilyChart {...props} family={family} data={data} window={window} face={face} />;
}

/** Keeps the place of a chart until it is near enough to be looked at. */
export function MetricChart(props: Props & { metric: Metric }) {
  const box = useRef<HTMLDivElement>(null);
  const near = useSignal(false);
  useEffect(() => {
    if (!box.current || near.value) return;
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) near.value = true;
      },
      { rootMargin: "300px" },
    );
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, [near.value]);
  return (
    <div ref={box} class="chart-place" data-metric={props.metric.type}>
      {near.value && <Drawn {...props} />}
    </div>
  );
}

function FamilyDrawn({ id, ...props }: Props & { id: string }) {
  const family = kFamilies.find((one) => one.id === id) as (typeof kFamilies)[number];
  const types = useMemo(() => [...family.types, ...(family.peak ? [family.peak] : [])], [family]);
  const data = useHostData(props.name, types, props.interval);
  const window = useShownWindow(data.state.step);
  const face = sharedFace(data.state, props.host, props.interval, data.refresh);
  return <FamilyChart {...props} family={family} data={data} window={window} face={face} />;
}

/** First the charts made for the section, then one for each of its metrics. */
export function MetricCharts({
  made,
  metrics,
  ...props
}: Props & { made: readonly string[]; metrics: readonly Metric[] }) {
  return (
    <div class="charts">
      {made.map((id) => (
        <FamilyDrawn key={id} id={id} {...props} />
      ))}
      {metrics.map((metric) => (
        <MetricChart key={metric.type} metric={metric} {...props} />
      ))}
    </div>
  );
}
