// What can be set for this browser.
import { hours, setHours, settingsOpen } from "../state/settings";
import { setTheme, theme } from "../state/theme";
import { kThemes } from "../state/theme-store";
import { toggleTrends, trendsOn } from "../state/trends";
import { Dialog } from "./dialog";

interface Choice<T> {
  title: string;
  all: readonly T[];
  chosen: T;
  text(one: T): string;
  pick(one: T): void;
}

function Choices<T extends string | number>({ title, all, chosen, text, pick }: Choice<T>) {
  return (
    <fieldset class="setting">
      <legend>{title}</legend>
      {all.map((one) => (
        <label key={one} class="choice">
          <input type="radio" name={title} checked={one === chosen} onChange={() => pick(one)} />
          {text(one)}
        </label>
      ))}
    </fieldset>
  );
}

export function Settings() {
  if (!settingsOpen.value) return null;
  const close = () => {
    settingsOpen.value = false;
  };
  return (
    <Dialog title="Settings of this browser" onClose={close}>
      <Choices
        title="Theme"
        all={kThemes}
        chosen={theme.value}
        text={(one) => (one === "system" ? "as the system" : one)}
        pick={setTheme}
      />
      <Choices
        title="Clock"
        all={[24, 12] as const}
        chosen={hours.value}
        text={(one) => (one === 24 ? "24 hours, 14:05" : "12 hours, 2:05 PM")}
        pick={setHours}
      />
      <fieldset class="setting">
        <legend>Fleet</legend>
        <label class="choice">
          <input type="checkbox" checked={trendsOn.value} onChange={toggleTrends} /> Curves of the last hour
          under CPU and memory
        </label>
      </fieldset>
      <button type="button" class="button" onClick={close}>
        Close
      </button>
    </Dialog>
  );
}
