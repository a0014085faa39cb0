// A titled box with four faces: loading, empty, error, and its content, marked where it is stale.
import type { ComponentChildren } from "preact";
import { Icon } from "./icons";

export type Face =
  | { kind: "ok" }
  | { kind: "loading" }
  | { kind: "empty"; text: string }
  | { kind: "stale"; text: string }
  | { kind: "error"; text: string; retry(): void };

interface Props {
  title: string;
  note?: string;
  face: Face;
  aside?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}

function Body({ face, children }: { face: Face; children: ComponentChildren }) {
  switch (face.kind) {
    case "loading":
      return (
        <div class="face" aria-busy="true">
          <div class="skeleton" />
          <span class="hidden">Loading…</span>
        </div>
      );
    case "empty":
      return <p class="face">{face.text}</p>;
    case "error":
      return (
        <div class="face" role="alert">
          <p>
            <Icon name="warn" /> {face.text}
          </p>
          <button type="button" class="button" onClick={face.retry}>
            Try again
          </button>
        </div>
      );
    default:
      return <>{children}</>;
  }
}

export function Panel({ title, note, face, aside, children, class: extra }: Props) {
  return (
    <section class={`panel ${face.kind} ${extra ?? ""}`} aria-label={title}>
      <header class="panel-head">
        <h2 title={note}>{title}</h2>
        {face.kind === "stale" && (
          <span class="badge stale">
            <Icon name="stale" /> {face.text}
          </span>
        )}
        {aside}
      </header>
      <Body face={face}>{children}</Body>
    </section>
  );
}
