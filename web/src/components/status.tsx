// A host's status: always a shape and a word, never a colour alone.
import type { HostStatus } from "../api-types";
import { Icon } from "./icons";

export function Status({ status }: { status: HostStatus }) {
  return (
    <span class={`status ${status}`}>
      <Icon name={status} />
      <span class="word">{status}</span>
    </span>
  );
}
