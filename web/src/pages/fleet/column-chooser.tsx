// Which columns are shown, and in which order.
import { Icon } from "../../components/icons";
import { Popover } from "../../components/popover";
import { chooseColumns } from "../../state/fleet-view";
import { toggleTrends, trendsOn } from "../../state/trends";
import { kColumns, kUsualColumns } from "./columns";
import { moved } from "./moved";

export function ColumnChooser({ chosen }: { chosen: readonly string[] }) {
  const hidden = kColumns.filter((column) => !chosen.includes(column.id)).map((column) => column.id);
  const move = (id: string, by: number) => chooseColumns(moved(chosen, id, chosen.indexOf(id) + by));
  return (
    <Popover label="Columns" side="right">
      {() => (
        <fieldset class="chooser">
          <legend class="hidden">Columns</legend>
          {[...chosen, ...hidden].map((id) => {
            const column = kColumns.find((one) => one.id === id);
            const at = chosen.indexOf(id);
            if (!column) return null;
            return (
              <div key={id} class="chooser-line">
                <label title={column.title}>
                  <input
                    type="checkbox"
                    checked={at >= 0}
                    onChange={() =>
                      chooseColumns(at >= 0 ? chosen.filter((one) => one !== id) : [...chosen, id])
                    }
                  />
                  {column.label}
                </label>
                {at >= 0 && (
                  <>
                    <button
                      type="button"
                      class="icon-button small"
                      aria-label={`${column.label} earlier`}
                      disabled={at === 0}
                      onClick={() => move(id, -1)}
                    >
                      <Icon name="up" />
                    </button>
                    <button
                      type="button"
                      class="icon-button small"
                      aria-label={`${column.label} later`}
                      disabled={at === chosen.length - 1}
                      onClick={() => move(id, 1)}
                    >
                      <Icon name="down" />
                    </button>
                  </>
                )}
              </div>
            );
          })}
          <div class="chooser-line">
            <label title="Under CPU and memory">
              <input type="checkbox" checked={trendsOn.value} onChange={toggleTrends} />
              Curves of the last hour
            </label>
          </div>
          <button type="button" class="link-button" onClick={() => chooseColumns(kUsualColumns)}>
            The usual columns
          </button>
        </fieldset>
      )}
    </Popover>
  );
}
