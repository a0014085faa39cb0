// Tags, archive and an end: what an administrator changes of one host or of several.
import { useSignal } from "@preact/signals";
import { changeAll, edited, forgetAll, keptToken } from "../state/editing";
import { hostSignal } from "../state/hosts";
import { navigate } from "../state/route";
import { clearSelection } from "../state/selection";
import { Dialog } from "./dialog";
import { Icon } from "./icons";

export function EditHosts() {
  const names = edited.value;
  return names.length ? <Editor key={names.join("\n")} names={names} /> : null;
}

/** Tags that all of them have with the same value. */
function commonTags(names: readonly string[]): [string, string][] {
  const [first, ...others] = names.map((name) => hostSignal(name)?.value.tags ?? {});
  return Object.entries(first ?? {}).filter(([key, value]) => others.every((tags) => tags[key] === value));
}

function Editor({ names }: { names: readonly string[] }) {
  const token = useSignal(keptToken());
  const key = useSignal("");
  const value = useSignal("");
  const typed = useSignal("");
  const error = useSignal<string | null>(null);
  const done = useSignal<string | null>(null);
  const busy = useSignal(false);
  const close = () => {
    edited.value = [];
  };
  const what = names.length === 1 ? (names[0] as string) : `${names.length} hosts`;
  const archived = names.every((name) => {
    const host = hostSignal(name)?.value;
    return !host || host.status === "archived";
  });

  const run = async (said: string, change: () => Promise<void>): Promise<boolean> => {
    busy.value = true;
    error.value = null;
    done.value = null;
    try {
      await change();
      done.value = said;
      return true;
    } catch (cause) {
      error.value = (cause as Error).message;
      return false;
    } finally {
      busy.value = false;
    }
  };
  const setTag = (name: string, wanted: string | null) =>
    run(wanted === null ? `Tag ${name} is taken away.` : `Tag ${name} is set.`, () =>
      changeAll(names, { tags: { [name]: wanted } }, token.value.trim()),
    );
  const field = (label: string, input: typeof key, list?: string) => (
    <label>
      {label}
      <input
        class="input"
        required
        autocomplete="off"
        list={list}
        value={input.value}
        onInput={(event) => {
          input.value = event.currentTarget.value;
        }}
      />
    </label>
  );
  const disabled = busy.value || !token.value.trim();
  return (
    <Dialog title={`Change ${what}`} onClose={close}>
      <label class="setting">
        Admin token
        <input
          class="input"
          type="password"
          autocomplete="off"
          value={token.value}
          onInput={(event) => {
            token.value = event.currentTarget.value;
          }}
        />
        <span class="fine">Kept until this page is left, and nowhere else.</span>
      </label>
      <div class="setting">
        <h3>Tags</h3>
        <ul class="edit-tags">
          {commonTags(names).map(([name, set]) => (
            <li key={name} class="tag">
              {name} <strong>{set}</strong>
              <button
                type="button"
                class="icon-button small"
                aria-label={`Take tag ${name} away`}
                disabled={disabled}
                onClick={() => setTag(name, null)}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
        <form
          class="edit-line"
          onSubmit={async (event) => {
            event.preventDefault();
            if (await setTag(key.value.trim(), value.value.trim())) {
              key.value = "";
              value.value = "";
            }
          }}
        >
          {field("Tag", key)}
          {field("Value", value)}
          <button type="submit" class="button" disabled={disabled}>
            Set
          </button>
        </form>
        <p class="fine">A tag set here wins over the agent's own; taken away, the agent's shows again.</p>
      </div>
      <div class="setting edit-line">
        <button
          type="button"
          class="button"
          disabled={disabled}
          onClick={() =>
            run(archived ? `${what}: back from the archive.` : `${what}: archived.`, () =>
              changeAll(names, { archived: !archived }, token.value.trim()),
            )
          }
        >
          <Icon name="archived" /> {archived ? "Bring back" : "Archive"}
        </button>
        <span class="fine">
          {archived
            ? "It is counted and shown again."
            : "Out of lists and counts until it is heard again; its history stays."}
        </span>
      </div>
      {names.length === 1 && (
        <form
          class="setting edit-line"
          onSubmit={async (event) => {
            event.preventDefault();
            navigate("/"); // first: its own page would go on asking for a host that is gone
            if (await run("", () => forgetAll(names, token.value.trim()))) {
              close();
              clearSelection();
            }
          }}
        >
          {field(`To forget it and all that it sent, type ${what}`, typed)}
          <button type="submit" class="button danger" disabled={disabled || typed.value.trim() !== what}>
            Forget
          </button>
        </form>
      )}
      <p class={error.value ? "form-error" : "fine"} role="status">
        {error.value ?? done.value}
      </p>
      <button type="button" class="button" onClick={close}>
        Close
      </button>
    </Dialog>
  );
}
