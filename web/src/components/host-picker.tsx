// A drop-down of hosts that filters while one types.
import { parseQuery } from "../search";
import { allHosts } from "../state/hosts";
import { Finder, type Item } from "./finder";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { Status } from "./status";

/** Hosts that match a query of the fleet's search, as items. */
export function hostItems(query: string, without: readonly string[], pick: (name: string) => void): Item[] {
  const test = parseQuery(query);
  return allHosts()
    .filter((host) => !without.includes(host.hostname) && test(host))
    .map((host) => ({
      id: host.hostname,
      text: host.hostname,
      aside: <Status status={host.status} />,
      pick: () => pick(host.hostname),
    }));
}

interface Props {
  label: string;
  onPick(name: string): void;
  without?: readonly string[];
  icon?: "chevron" | "plus";
}

export function HostPicker({ label, onPick, without = [], icon = "chevron" }: Props) {
  return (
    <Popover
      class="button picker-button"
      marker="host-picker"
      label={
        <>
          {icon === "plus" && <Icon name="plus" />}
          <span class="picker-label">{label}</span>
          {icon === "chevron" && <Icon name="chevron" />}
        </>
      }
    >
      {(close) => (
        <Finder
          label="Find a host"
          listName="Hosts"
          nothing="No host matches."
          find={(query) =>
            hostItems(query, without, (name) => {
              close();
              onPick(name);
            })
          }
        />
      )}
    </Popover>
  );
}
