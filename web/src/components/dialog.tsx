// A modal dialog of the browser's own kind: focus, Escape and the inert page behind it come with it.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  title: string;
  onClose?(): void;
  wide?: boolean;
  children: ComponentChildren;
}

/** Without `onClose` it cannot be dismissed. */
export function Dialog({ title, onClose, wide = false, children }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  // At once, not after the next paint: what is typed on belongs to it.
  useLayoutEffect(() => {
    // It ends by leaving the page.
    box.current?.showModal();
  }, []);
  return (
    // A click on the backdrop is a click on the dialog itself; Escape is its keyboard form.
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape comes as the cancel event
    <dialog
      ref={box}
      class={wide ? "wide" : undefined}
      aria-label={title}
      // A second Escape closes a dialog that refused the first.
      onClose={() => {
        if (onClose) onClose();
        else box.current?.showModal();
      }}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => {
        if (event.target === box.current) onClose?.();
      }}
    >
      <div class="dialog-body">
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
