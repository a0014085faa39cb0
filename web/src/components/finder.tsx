// A box to type in over a list that it filters (the ARIA combobox pattern: the focus stays in the box).
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";

export interface Item {
  id: string;
  text: string;
  aside?: ComponentChildren;
  pick(): void;
}

interface Props {
  /** What is looked for, as "Find a host". */
  label: string;
  /** The name of the list. */
  listName: string;
  nothing: string;
  /** Items that match, best first; as many as there are. */
  find(query: string): readonly Item[];
}

// More than these cannot be read in a list; typing narrows it.
const kMostShown = 50;

export function Finder({ label, listName, nothing, find }: Props) {
  const query = useSignal("");
  const active = useSignal(0);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const found = find(query.value);
  const shown = found.slice(0, kMostShown);

  // Before the next event, not after the next paint: who types on at once must not lose letters.
  useLayoutEffect(() => input.current?.focus(), []);

  const move = (to: number) => {
    active.value = Math.min(shown.length - 1, Math.max(0, to));
    document.getElementById(`${id}-${active.value}`)?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const target = shown[active.value];
    if (event.key === "ArrowDown") move(active.value + 1);
    else if (event.key === "ArrowUp") move(active.value - 1);
    else if (event.key === "Enter" && target) target.pick();
    else return;
    event.preventDefault();
  };

  return (
    <div class="finder">
      <input
        ref={input}
        type="text"
        class="input"
        role="combobox"
        aria-label={label}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={shown.length ? `${id}-${active.value}` : undefined}
        placeholder={`${label}…`}
        autocomplete="off"
        spellcheck={false}
        value={query.value}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          active.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <div id={`${id}-list`} class="options" role="listbox" aria-label={listName}>
        {shown.map((item, index) => (
          // The combobox owns the keyboard; an option takes only the pointer.
          // biome-ignore lint/a11y/useFocusableInteractive: aria-activedescendant moves, not the focus
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox handles the keys
          <div
            key={item.id}
            id={`${id}-${index}`}
            class={index === active.value ? "option active" : "option"}
            role="option"
            aria-selected={index === active.value}
            onPointerMove={() => {
              active.value = index;
            }}
            onClick={() => item.pick()}
          >
            <span class="option-name">{item.text}</span>
            {item.aside}
          </div>
        ))}
      </div>
      {!shown.length && <p class="nothing">{nothing}</p>}
      {found.length > shown.length && (
        <p class="nothing">{found.length - shown.length} more: type to narrow.</p>
      )}
    </div>
  );
}
