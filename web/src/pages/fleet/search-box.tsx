// The search box of the fleet; what is searched lives in the URL.
import { Icon } from "../../components/icons";

interface Props {
  query: string;
  onQuery(text: string): void;
  shown: number;
  /** How many hosts there are; null while that is not known. */
  total: number | null;
}

export function SearchBox({ query, onQuery, shown, total }: Props) {
  return (
    <>
      <div class="search">
        <Icon name="search" />
        <input
          type="search"
          class="input"
          data-search
          aria-label="Search hosts"
          placeholder="Search: web, tag:role=db, cpu>80, -word"
          autocomplete="off"
          spellcheck={false}
          value={query}
          onInput={(event) => onQuery(event.currentTarget.value)}
        />
        <kbd>/</kbd>
      </div>
      <span class="shown" role="status">
        {total !== null && (query ? `${shown} of ${total} hosts` : total === 1 ? "1 host" : `${total} hosts`)}
      </span>
    </>
  );
}
