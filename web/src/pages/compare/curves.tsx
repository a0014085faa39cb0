// The curves of a comparison in one of its layouts: laid over each other, side by side, as differences, or as a table.
import { useMemo } from "preact/hooks";
import type { Difference } from "../../api-types";
import { ChartPanel } from "../../charts/chart-panel";
import { differenceFrom, highest, onlyHost } from "../../charts/difference";
import type { Drawn } from "../../charts/lines";
import { overlay, type Subject } from "../../charts/overlay";
import { isDivisible, perSize } from "../../charts/per-size";
import { pointText } from "../../charts/point-text";
import type { Face } from "../../components/panel";
import { layout, per, referenceOf } from "../../state/compare-view";
import { moveTo, setWindow } from "../../state/range";
import { useMetricsOf } from "../../state/use-metrics-of";
import type { Window } from "../../time-range";
import { differing, kAlways, subjectKey } from "./subjects";
import { useSizes } from "./use-sizes";
import { ValueTable } from "./value-table";

const kNothing: Drawn = { times: [], lines: [], values: [] };

interface Props {
  hosts: readonly string[];
  window: Window;
  differs: readonly Difference[];
}

interface Curve {
  subject: Subject;
  drawn: Drawn;
  face: Face;
  step: number;
  tier: string | null;
}

/** The curves of some subjects, asked for together. */
function useCurves(hosts: readonly string[], window: Window, subjects: readonly Subject[]): Curve[] {
  const types = [...new Set(subjects.map((one) => one.type))];
  const { data, error, reload, step, tier } = useMetricsOf(hosts, types, window);
  const sizes = useSizes(hosts);
  const drawn = useMemo(
    () =>
      data &&
      subjects.map((subject) => {
        const whole = overlay(subject, hosts, data);
        return sizes && isDivisible(subject.unit) ? perSize(whole, sizes) : whole;
      }),
    [data, subjects, sizes],
  );
  return subjects.map((subject, index) => {
    const one = drawn?.[index] ?? kNothing;
    let face: Face = { kind: "ok" };
    if (!drawn && error) face = { kind: "error", text: error.message, retry: reload };
    else if (!drawn) face = { kind: "loading" };
    else if (!one.lines.length) face = { kind: "empty", text: "No samples in this range." };
    const divided = sizes && isDivisible(subject.unit);
    const title = divided ? `${subject.title} per ${per.value?.title}` : subject.title;
    return { subject: { ...subject, title }, drawn: one, face, step, tier };
  });
}

interface ChartProps {
  curve: Curve;
  drawn: Drawn;
  title: string;
  note: string;
  hosts: readonly string[];
  window: Window;
  top?: number;
  signed?: boolean;
}

function CurveChart({ curve, drawn, title, note, hosts, window, top, signed }: ChartProps) {
  const { subject, step, tier, face } = curve;
  return (
    <ChartPanel
      id={subject.type}
      title={title}
      note={note}
      unit={subject.unit}
      stacked={false}
      leastTop={signed ? 1 : subject.leastTop}
      top={top ?? null}
      signed={signed}
      drawn={drawn}
      window={window}
      since={null}
      interval={step}
      face={face}
      syncKey="compare"
      source={{ hosts, types: [subject.type], step }}
      told={pointText(step, tier)}
      onZoom={(next) => next && setWindow(next)}
      onPan={moveTo}
    />
  );
}

function SideBySide({ curve, hosts, window }: { curve: Curve; hosts: readonly string[]; window: Window }) {
  const alone = useMemo(() => hosts.map((host) => onlyHost(curve.drawn, host)), [curve.drawn, hosts]);
  const top = Math.max(curve.subject.leastTop, highest(curve.drawn) * 1.08);
  return (
    <section class="side-by-side" aria-label={curve.subject.title}>
      <h2>{curve.subject.title}</h2>
      <div class="side-charts">
        {hosts.map((host, index) => (
          <CurveChart
            key={host}
            curve={curve}
            drawn={alone[index] ?? kNothing}
            title={host}
            note={`${curve.subject.title} of ${host}; all hosts have one scale.`}
            hosts={[host]}
            window={window}
            top={top}
          />
        ))}
      </div>
    </section>
  );
}

function DifferenceChart({
  curve,
  hosts,
  window,
}: {
  curve: Curve;
  hosts: readonly string[];
  window: Window;
}) {
  const reference = referenceOf(hosts);
  const drawn = useMemo(() => differenceFrom(curve.drawn, reference), [curve.drawn, reference]);
  return (
    <CurveChart
      curve={curve}
      drawn={drawn}
      title={`${curve.subject.title} − ${reference}`}
      note={`Above zero a host has more than ${reference}.`}
      hosts={hosts}
      window={window}
      signed
    />
  );
}

/** The usual metrics are asked for at once, the differing ones when the ranking is known. */
export function Curves({ hosts, window, differs }: Props) {
  const more = useMemo(() => differing(differs), [differs]);
  const always = useCurves(hosts, window, kAlways);
  const differ = useCurves(hosts, window, more);
  const curves = [...always, ...differ];
  switch (layout.value) {
    case "table":
      return <ValueTable hosts={hosts} window={window} differs={differs} />;
    case "side":
      return (
        <>
          {curves.map((curve) => (
            <SideBySide key={subjectKey(curve.subject)} curve={curve} hosts={hosts} window={window} />
          ))}
        </>
      );
    case "difference":
      return (
        <div class="charts">
          {curves.map((curve) => (
            <DifferenceChart key={subjectKey(curve.subject)} curve={curve} hosts={hosts} window={window} />
          ))}
        </div>
      );
    default:
      return (
        <div class="charts">
          {curves.map((curve) => (
            <CurveChart
              key={subjectKey(curve.subject)}
              curve={curve}
              drawn={curve.drawn}
              title={curve.subject.title}
              note="One line a host; every second host is dashed."
              hosts={hosts}
              window={window}
            />
          ))}
        </div>
      );
  }
}
