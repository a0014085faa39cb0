// A bar and its number; how bad it is shows in colour and in shape.
import * as format from "../format";
import { kSeverityNames, type Severity, severityOf } from "../severity";
import { Icon } from "./icons";

export function Mark({ severity }: { severity: Severity }) {
  if (severity === 0) return null;
  const name = severity === 2 ? "crit" : "warn";
  return (
    <span class={`mark ${name}`} title={severity === 2 ? "critical" : "warning"}>
      <Icon name={name} />
    </span>
  );
}

interface Props {
  /** The metric whose thresholds apply. */
  type: string;
  value: number | null | undefined;
  /** Which series the value is of, where it is the worst of many. */
  title?: string;
}

export function Meter({ type, value, title }: Props) {
  if (value === undefined || value === null) return <span class="meter absent">{format.kAbsent}</span>;
  const severity = severityOf(type, value);
  const shown = Math.min(100, Math.max(0, value));
  return (
    <span class={`meter ${kSeverityNames[severity]}`} title={title}>
      <span class="bar" aria-hidden="true">
        <span class="fill" style={{ width: `${shown}%` }} />
      </span>
      <span class="number">{format.percent(value)}</span>
      <Mark severity={severity} />
    </span>
  );
}

/** A number without a bar, marked where it is bad. */
export function Reading({
  type,
  value,
  text,
}: {
  type: string;
  value: number | undefined;
  text(value: number): string;
}) {
  if (value === undefined) return <span class="reading absent">{format.kAbsent}</span>;
  const severity = severityOf(type, value);
  return (
    <span class={`reading ${kSeverityNames[severity]}`}>
      <Mark severity={severity} />
      <span class="number">{text(value)}</span>
    </span>
  );
}
