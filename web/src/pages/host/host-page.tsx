// One host: what it is, how it does now, and how it did over the range.
import { useEffect } from "preact/hooks";
import { getHost } from "../../api";
import { Age } from "../../components/age";
import { Icon } from "../../components/icons";
import { RangePicker } from "../../components/range-picker";
import { Status } from "../../components/status";
import { hostSignal } from "../../state/hosts";
import { watch } from "../../state/live";
import { range } from "../../state/range";
import { comparePath } from "../../state/route";
import { useRequest } from "../../state/use-request";
import { Charts } from "./charts";
import { FactsBar } from "./facts-bar";
import { Filesystems } from "./filesystems";

// Used until the aggregator has told the host's own.
const kUsualInterval = 10;

export function HostPage({ name }: { name: string }) {
  const { data: detail, error, reload } = useRequest(name, (signal) => getHost(name, signal));
  const host = hostSignal(name)?.value ?? detail;

  useEffect(() => {
    document.title = `${name} · sysmon`;
    watch(name);
    return () => watch(null);
  }, [name]);

  if (error?.status === 404 && !host) {
    return (
      <main class="page">
        <h1 class="host-title">{name}</h1>
        <p class="notice">
          No host of this name is known here. <a href="/">To the fleet</a>
        </p>
      </main>
    );
  }
  return (
    <main class="page host">
      <div class="host-head">
        <h1 class="host-title">{name}</h1>
        {host && <Status status={host.status} />}
        {host && (
          <span class="fine">
            seen <Age time={host.last_seen} />
          </span>
        )}
        <span class="tags">
          {Object.entries(host?.tags ?? {}).map(([key, value]) => (
            <span key={key} class="tag" title={`${key}: ${value}`}>
              {key} <strong>{value}</strong>
            </span>
          ))}
        </span>
        <span class="spring" />
        <a class="button" href={comparePath([name])} title="Compare with another host (c)">
          <Icon name="compare" /> Compare
        </a>
        <RangePicker />
      </div>
      <FactsBar host={host} facts={detail?.facts ?? null} error={error} retry={reload} />
      {(host || error) && (
        <Charts
          name={name}
          host={host}
          range={range.value.seconds}
          interval={host?.interval ?? kUsualInterval}
        />
      )}
      <Filesystems name={name} host={host} />
    </main>
  );
}
