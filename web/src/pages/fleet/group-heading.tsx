// The heading of a group: its value, how many of its hosts are well, and their averages.
import type { HostStatus } from "../../api-types";
import { Icon } from "../../components/icons";
import * as format from "../../format";
import { folded, toggleFolded } from "../../state/fleet-view";
import type { Group } from "./order";

const kStatuses: readonly HostStatus[] = ["offline", "stale", "online", "archived"];

export function GroupHeading({ group, tag }: { group: Group; tag: string }) {
  const open = !folded.value.has(group.value);
  const { cpu, memory } = group.averages;
  return (
    <button
      type="button"
      class="group-heading"
      aria-expanded={open}
      data-group={group.value}
      onClick={() => toggleFolded(group.value)}
    >
      <Icon name="chevron" />
      <strong>{group.value || `no ${tag}`}</strong>
      {group.worst > 0 && (
        <span class={group.worst === 2 ? "mark crit" : "mark warn"} title="The worst value in this group">
          <Icon name={group.worst === 2 ? "crit" : "warn"} />
        </span>
      )}
      {kStatuses.map(
        (status) =>
          group.counts[status] !== undefined && (
            <span key={status} class={`status ${status}`} title={status}>
              <Icon name={status} /> {group.counts[status]}
              <span class="hidden"> {status}</span>
            </span>
          ),
      )}
      <span class="fine">
        {cpu !== null && <>CPU {format.percent(cpu)} </>}
        {memory !== null && <>· memory {format.percent(memory)}</>}
      </span>
    </button>
  );
}
