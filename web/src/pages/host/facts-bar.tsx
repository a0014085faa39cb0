// What the host is: slow facts on one bar.
import type { ApiError } from "../../api";
import { type Facts, type Host, kLatest } from "../../api-types";
import { CopyButton } from "../../components/copy-button";
import { Icon } from "../../components/icons";
import * as format from "../../format";
import { health } from "../../state/health";
import { skew } from "../../versions";

// Facts that are known by name, in this order; any others follow under their own names.
const kLabels: Record<string, string> = {
  os: "OS",
  kernel: "Kernel",
  cpu_model: "CPU",
  cores: "Cores",
  memory_bytes: "Memory",
  arch: "Architecture",
  model: "Model",
  virtualization: "Virtualization",
  container: "Container",
  addresses: "Addresses",
};
// Shown elsewhere, or too long for a bar.
const kHidden = new Set(["mounts", "hostname", "interfaces", "disks"]);

interface Props {
  host: Host | null;
  facts: Facts | null;
  error: ApiError | null;
  retry(): void;
}

function Fact({ label, value, mark }: { label: string; value: string; mark?: string | null }) {
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd title={mark ?? value}>
        <span class="fact-value">{value}</span>
        {mark && (
          <span class="mark warn">
            <Icon name="warn" />
            <span class="hidden">{mark}</span>
          </span>
        )}
        <CopyButton text={value} what={label} />
      </dd>
    </div>
  );
}

export function FactsBar({ host, facts, error, retry }: Props) {
  const known = facts ?? {};
  const named = Object.keys(kLabels).filter((key) => key in known);
  const others = Object.keys(known).filter(
    (key) => !(key in kLabels) && !kHidden.has(key) && typeof known[key] !== "object",
  );
  const uptime = host?.latest[kLatest.uptime];
  const failed = host?.latest[kLatest.failedUnits];
  return (
    <dl class="facts" aria-busy={!facts && !error}>
      {[...named, ...others].map((key) => (
        <Fact
          key={key}
          label={kLabels[key] ?? key.replaceAll("_", " ")}
          value={format.fact(key, known[key])}
        />
      ))}
      {uptime !== undefined && <Fact label="Uptime" value={format.duration(uptime)} />}
      {failed !== undefined && failed > 0 && <Fact label="Failed units" value={format.count(failed)} />}
      {host?.version && (
        <Fact label="Agent" value={host.version} mark={skew(host.version, health.value?.version)} />
      )}
      {host?.interval && <Fact label="Interval" value={format.duration(host.interval)} />}
      {error && error.status !== 404 && (
        <div class="fact wide" role="alert">
          <dt>Facts</dt>
          <dd>
            {error.message}{" "}
            <button type="button" class="link-button" onClick={retry}>
              Try again
            </button>
          </dd>
        </div>
      )}
    </dl>
  );
}
