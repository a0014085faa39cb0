// Puts a text on the clipboard and says that it did.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { copyText } from "../download";
import { Icon } from "./icons";

const kSaidMs = 1_500;

export function CopyButton({ text, what }: { text: string; what: string }) {
  const said = useSignal<"copied" | "refused" | null>(null);
  useEffect(() => {
    if (said.value === null) return;
    const timer = setTimeout(() => {
      said.value = null;
    }, kSaidMs);
    return () => clearTimeout(timer);
  }, [said.value]);
  const name = { copied: "Copied", refused: "The browser lets no page copy here" };
  return (
    <button
      type="button"
      class={`copy-button${said.value ? ` ${said.value}` : ""}`}
      aria-label={said.value ? name[said.value] : `Copy ${what}`}
      title={said.value ? name[said.value] : `Copy ${what}`}
      onClick={async () => {
        said.value = (await copyText(text)) ? "copied" : "refused";
      }}
    >
      <Icon name={said.value === "copied" ? "check" : said.value === "refused" ? "warn" : "copy"} />
    </button>
  );
}
