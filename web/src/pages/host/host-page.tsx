// One host: what it is, how it does now, how it did over the range, and everything that is known of it.
import { useEffect, useMemo, useState } from "preact/hooks";
import { getHost } from "../../api";
import { Age } from "../../components/age";
import { Icon } from "../../components/icons";
import { Status } from "../../components/status";
import { TimeBar } from "../../components/time-bar";
import { kUsualInterval } from "../../grid";
import { edited } from "../../state/editing";
import { hostSignal } from "../../state/hosts";
import { watch } from "../../state/live";
import { comparePath, parameters, sectionPath } from "../../state/route";
import { useRequest } from "../../state/use-request";
import { AllMetrics } from "./all-metrics";
import { BrushStrip } from "./brush-strip";
import { Charts } from "./charts";
import { Delivery } from "./delivery";
import { Events } from "./events";
import { FactsBar } from "./facts-bar";
import { Filesystems } from "./filesystems";
import { marksOf } from "./marks-of";
import { MetricCharts } from "./metric-charts";
import { NotCollected } from "./not-collected";
import { Processes } from "./processes";
import { kSections, sectionOf } from "./sections";
import { useLatest } from "./use-latest";
import { useStory } from "./use-story";

/** Charts made by hand that begin a section. */
const kMade: Readonly<Record<string, readonly string[]>> = {
  cpu: ["cpu", "pressure", "load"],
  memory: ["memory"],
  disks: ["diskio"],
  network: ["network"],
};

function SectionLinks({ name, sections, here }: { name: string; sections: readonly string[]; here: string }) {
  return (
    <nav class="sections" aria-label="Sections of the host">
      {kSections
        .filter((one) => sections.includes(one.id))
        .map((one) => (
          <a
            key={one.id}
            href={sectionPath(name, one.id)}
            aria-current={one.id === here ? "page" : undefined}
            data-section={one.id}
          >
            {one.title}
          </a>
        ))}
    </nav>
  );
}

export function HostPage({ name }: { name: string }) {
  const { data: detail, error, reload } = useRequest(name, (signal) => getHost(name, signal));
  const host = hostSignal(name)?.value ?? detail;
  // An agent ticks faster while somebody looks at its host: the grid must not change under the eye for that.
  const [usual, setUsual] = useState<number | null>(null);
  if (usual === null && host?.interval) setUsual(host.interval);
  const interval = usual ?? kUsualInterval;
  const story = useStory(name);
  const marks = useMemo(() => marksOf(story), [story.gaps, story.missing, story.events]);
  const latest = useLatest(name);

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
  const filled = new Set(latest.types.map((one) => sectionOf(one.type)));
  const sections = kSections
    .map((one) => one.id)
    .filter((id) => ["overview", "processes", "agent", "events", "metrics"].includes(id) || filled.has(id));
  const wanted = parameters.value.get("tab") ?? "overview";
  const here = kSections.some((one) => one.id === wanted) ? wanted : "overview";
  const shared = { name, host, interval, causeOf: story.causeOf, marks };
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
        <button
          type="button"
          class="button"
          title="Tags, archive"
          onClick={() => {
            edited.value = [name];
          }}
        >
          <Icon name="edit" /> Change…
        </button>
        <a class="button" href={comparePath([name])} title="Compare with another host (c)">
          <Icon name="compare" /> Compare
        </a>
      </div>
      <FactsBar host={host} facts={detail?.facts ?? null} error={error} retry={reload} />
      <SectionLinks name={name} sections={sections} here={here} />
      {here !== "events" && here !== "processes" && (
        <>
          <TimeBar rich />
          <BrushStrip name={name} interval={interval} />
        </>
      )}
      {here === "overview" && (
        <>
          <Charts {...shared} />
          <div class="host-below">
            <Processes name={name} most={8} />
            <Filesystems name={name} host={host} latest={latest} />
          </div>
          <NotCollected metrics={latest.metrics} known={latest.known.keys()} />
        </>
      )}
      {here === "processes" && (
        <>
          <TimeBar />
          <Processes name={name} most={100} />
        </>
      )}
      {here === "disks" && <Filesystems name={name} host={host} latest={latest} />}
      {here === "agent" && <Delivery name={name} />}
      {here === "events" && <Events story={story} />}
      {here === "metrics" && <AllMetrics {...shared} latest={latest} />}
      {!["overview", "events", "metrics"].includes(here) && (
        <MetricCharts
          key={here}
          {...shared}
          made={kMade[here] ?? []}
          metrics={latest.types.filter((one) => sectionOf(one.type) === here)}
        />
      )}
    </main>
  );
}
