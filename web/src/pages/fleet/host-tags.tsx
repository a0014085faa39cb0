// A host's tags, each with its key at hand.
import type { Tags } from "../../api-types";

export function HostTags({ tags }: { tags: Tags }) {
  return (
    <span class="tags">
      {Object.entries(tags).map(([key, value]) => (
        <span key={key} class="tag" title={`${key}: ${value}`}>
          {value}
        </span>
      ))}
    </span>
  );
}
