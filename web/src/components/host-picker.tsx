// A drop-down of hosts that filters while one types (the ARIA combobox pattern: the focus stays in the box).
import { useSignal } from "@preact/signals";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { parseQuery } from "../search";
import { allHosts } from "../state/hosts";
import { Icon } from "./icons";
import { Status } from "./status";

// More than these cannot be read in a drop-down; typing narrows it.
const kMostShown = 50;

interface Props {
  label: string;
  onPick(name: string): void;
  without?: readonly string[];
  icon?: "chevron" | "plus";
}

export function HostPicker({ label, onPick, without = [], icon = "chevron" }: Props) {
  const open = useSignal(false);
  const query = useSignal("");
  const active = useSignal(0);
  const root = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();

  const test = parseQuery(query.value);
  const found = open.value ? allHosts().filter((host) => !without.includes(host.hostname) && test(host)) : [];
  const shown = found.slice(0, kMostShown);

  const close = (refocus: boolean) => {
    open.value = false;
    query.value = "";
    active.value = 0;
    if (refocus) button.current?.focus();
  };
  const pick = (name: string) => {
    close(true);
    onPick(name);
  };

  // Before the next event, not after the next paint: who types on at once must not lose letters.
  useLayoutEffect(() => {
    if (!open.value) return;
    input.current?.focus();
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) close(false);
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open.value]);

  const move = (to: number) => {
    active.value = Math.min(shown.length - 1, Math.max(0, to));
    document.getElementById(`${id}-${active.value}`)?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const target = shown[active.value];
    if (event.key === "ArrowDown") move(active.value + 1);
    else if (event.key === "ArrowUp") move(active.value - 1);
    else if (event.key === "Enter" && target) pick(target.hostname);
    else if (event.key === "Escape") close(true);
    else return;
    event.preventDefault();
  };

  return (
    <div class="picker" ref={root}>
      <button
        type="button"
        class="button picker-button"
        ref={button}
        data-host-picker
        aria-haspopup="listbox"
        aria-expanded={open.value}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        {icon === "plus" && <Icon name="plus" />}
        <span class="picker-label">{label}</span>
        {icon === "chevron" && <Icon name="chevron" />}
      </button>
      {open.value && (
        <div class="popover">
          <input
            ref={input}
            type="text"
            class="input"
            role="combobox"
            aria-label="Find a host"
            aria-expanded="true"
            aria-controls={`${id}-list`}
            aria-activedescendant={shown.length ? `${id}-${active.value}` : undefined}
            placeholder="Find a host…"
            autocomplete="off"
            spellcheck={false}
            value={query.value}
            onInput={(event) => {
              query.value = event.currentTarget.value;
              active.value = 0;
            }}
            onKeyDown={onKeyDown}
          />
          <div id={`${id}-list`} class="options" role="listbox" aria-label="Hosts">
            {shown.map((host, index) => (
              // The combobox owns the keyboard; an option takes only the pointer.
              // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant moves, not the focus
              // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox handles the keys
              <div
                key={host.hostname}
                id={`${id}-${index}`}
                class={index === active.value ? "option active" : "option"}
                role="option"
                aria-selected={index === active.value}
                onPointerMove={() => {
                  active.value = index;
                }}
                onClick={() => pick(host.hostname)}
              >
                <span class="option-name">{host.hostname}</span>
                <Status status={host.status} />
              </div>
            ))}
            {!shown.length && <p class="nothing">No host matches.</p>}
            {found.length > shown.length && (
              <p class="nothing">{found.length - shown.length} more: type to narrow.</p>
            )}
          </div>
        </div>
      )}
    </div>
  );
}
