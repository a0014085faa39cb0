// How a host's value went in the last hour, under the value itself.
import { useEffect } from "preact/hooks";
import { Sparkline } from "../../charts/sparkline";
import { view } from "../../state/fleet-view";
import { kTrendSeconds, lookAt, trendOf, trendsOn } from "../../state/trends";

// Of its own highest, or the noise of an idle host would fill the height.
const kLeastTop = 20;

export function Trend({ name, type }: { name: string; type: string }) {
  const on = trendsOn.value && view.value === "table";
  useEffect(() => (on ? lookAt(name) : undefined), [name, on]);
  const trend = trendOf(name).value;
  if (!on) return null;
  const series = trend?.series.find((one) => one.type === type);
  if (!trend || !series) return <span class="trend" />;
  const top = series.values.reduce<number>((most, value) => Math.max(most, value ?? 0), kLeastTop);
  return (
    <span class="trend">
      <Sparkline
        times={series.times}
        values={series.values}
        window={{ start: trend.end - kTrendSeconds, end: trend.end }}
        top={top}
      />
    </span>
  );
}
