// A button that opens a panel under itself; a press elsewhere, Escape or leaving it closes the panel.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Props {
  label: ComponentChildren;
  /** What the button is called where its label is only an icon. */
  name?: string;
  class?: string;
  /** Makes the button findable as `[data-…]`. */
  marker?: string;
  /** On which side of the button the panel ends. */
  side?: "left" | "right";
  children(close: () => void): ComponentChildren;
}

export function Popover({ label, name, class: extra, marker, side = "left", children }: Props) {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    open.value = false;
    button.current?.focus();
  };
  useEffect(() => {
    if (!open.value) return;
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) open.value = false;
    };
    // Before all other keys, and wherever the focus is: a press inside may have taken its own button away.
    const onEscape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", onEscape, true);
    return () => {
      document.removeEventListener("keydown", onEscape, true);
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
    };
  }, [open.value]);
  return (
    <div class="picker" ref={root}>
      <button
        type="button"
        class={extra ?? "button"}
        ref={button}
        {...(marker ? { [`data-${marker}`]: "" } : {})}
        aria-expanded={open.value}
        aria-label={name}
        title={name}
        onClick={() => {
          open.value = !open.value;
        }}
      >
        {label}
      </button>
      {open.value && <div class={`popover ${side}`}>{children(close)}</div>}
    </div>
  );
}
