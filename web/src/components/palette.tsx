// The palette: every host and every command, by typing (Ctrl K).

import { kSections } from "../pages/host/sections";
import { hostPath, navigate, route, sectionPath } from "../state/route";
import { kShortcuts, paletteOpen } from "../state/shortcuts";
import { Dialog } from "./dialog";
import { Finder, type Item } from "./finder";
import { hostItems } from "./host-picker";

function commands(query: string, close: () => void): Item[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const here = route.value;
  const run = (action: () => void) => () => {
    close();
    action();
  };
  const sections =
    here.page === "host"
      ? kSections.map((one) => ({
          id: `section ${one.id}`,
          text: `${here.host}: ${one.title}`,
          pick: run(() => navigate(sectionPath(here.host, one.id))),
        }))
      : [];
  const shortcuts = kShortcuts
    .filter((one) => one.command)
    .map((one) => ({
      id: `command ${one.keys}`,
      text: one.text,
      aside: <kbd>{one.keys}</kbd>,
      pick: run(one.run),
    }));
  return [...sections, ...shortcuts].filter((one) =>
    words.every((word) => one.text.toLowerCase().includes(word)),
  );
}

export function Palette() {
  if (!paletteOpen.value) return null;
  const close = () => {
    paletteOpen.value = false;
  };
  return (
    <Dialog title="Go to" onClose={close}>
      <Finder
        label="Find a host or a command"
        listName="Hosts and commands"
        nothing="Nothing matches."
        find={(query) => {
          const hosts = hostItems(query, [], (name) => {
            close();
            navigate(hostPath(name));
          });
          // Without a word the commands are what one may not know; with one the host is what one wants.
          return query ? [...hosts, ...commands(query, close)] : [...commands(query, close), ...hosts];
        }}
      />
    </Dialog>
  );
}
