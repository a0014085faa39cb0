// Hosts as a map: a tile each, coloured by one metric; how bad it is shows in a shape too.
import type { Host } from "../../api-types";
import { Icon, type IconName } from "../../components/icons";
import * as format from "../../format";
import { severityOf } from "../../severity";
import { hostSignal, settledChanges } from "../../state/hosts";
import { hostPath } from "../../state/route";
import { type Column, kColumns } from "./columns";
import { GroupHeading } from "./group-heading";
import type { Group } from "./order";

/** The columns that can colour a map. */
export const kMapColumns = kColumns.filter((column) => column.type !== undefined && column.id !== "uptime");
/** The columns that can size its tiles. */
export const kSizeColumns = kColumns.filter(
  (column) => kMapColumns.includes(column) || column.id === "network",
);

// As many have room for their names in one window.
const kMostNamed = 60;
const kShades = 6;
const kLeastSide = 24; // in CSS pixels: still a target, and room for a shape
const kMostSide = 64;

function numberOf(host: Host, column: Column): number | undefined {
  const value = column.value(host);
  return typeof value === "number" ? value : undefined;
}

/** 0 … kShades − 1; percents on their own scale, all else as shares of the most in the fleet. */
function shadeOf(value: number, most: number, column: Column): number {
  const share = column.kind === "metered" ? value / 100 : most > 0 ? value / most : 0;
  return Math.min(kShades - 1, Math.max(0, Math.floor(share * kShades)));
}

/** Areas are compared by the eye: the side goes with the root. */
function sideOf(value: number | undefined, most: number): number {
  const share = value === undefined || most <= 0 ? 0 : Math.max(0, value / most);
  return Math.round(kLeastSide + (kMostSide - kLeastSide) * Math.sqrt(share));
}

function mostOf(hosts: readonly Host[], column: Column): number {
  return hosts.reduce((sofar, host) => Math.max(sofar, numberOf(host, column) ?? 0), 0);
}

function shapeOf(host: Host, column: Column): IconName | null {
  if (host.status !== "online") return host.status;
  const severity = severityOf(column.type ?? "", numberOf(host, column));
  return severity === 2 ? "crit" : severity === 1 ? "warn" : null;
}

interface TileProps {
  host: Host;
  column: Column;
  most: number;
  /** What gives it its size, if anything does. */
  size: { column: Column; most: number } | null;
  named: boolean;
}

function Tile({ host, column, most, size, named }: TileProps) {
  const value = numberOf(host, column);
  const shape = shapeOf(host, column);
  const unit = column.type ?? "";
  const told = value === undefined ? format.kAbsent : textOf(value, unit);
  const side = size && `${sideOf(numberOf(host, size.column), size.most)}px`;
  return (
    <a
      href={hostPath(host.hostname)}
      data-host-link
      data-host={host.hostname}
      class={`tile-host ${named ? "named " : ""}${host.status}${value === undefined ? " absent" : ` shade${shadeOf(value, most, column)}`}`}
      title={`${host.hostname}: ${column.label} ${told}, ${host.status}`}
      style={side ? { width: side, height: side } : undefined}
    >
      {named ? (
        <>
          <span class="tile-name">{host.hostname}</span>
          <span class="tile-told">
            {shape && <Icon name={shape} />}
            {told}
            <span class="hidden">
              , {column.label}, {host.status}
            </span>
          </span>
        </>
      ) : (
        <>
          {shape && <Icon name={shape} />}
          <span class="hidden">
            {host.hostname}, {column.label} {told}, {host.status}
          </span>
        </>
      )}
    </a>
  );
}

function textOf(value: number, type: string): string {
  if (type.endsWith("_percent") || type.endsWith("usage")) return format.percent(value);
  if (type.endsWith("_celsius")) return format.celsius(value);
  return format.ratio(value);
}

interface Props {
  groups: readonly Group[];
  tag: string | null;
  folded: ReadonlySet<string>;
  column: Column;
  size: Column | null;
}

export function HostMap({ groups, tag, folded, column, size }: Props) {
  // Ten thousand tiles, one subscription.
  settledChanges.value;
  const hosts = (names: readonly string[]) => names.flatMap((name) => hostSignal(name)?.peek() ?? []);
  const mostIn = (one: Column) => Math.max(0, ...groups.map((group) => mostOf(hosts(group.names), one)));
  const most = mostIn(column);
  const named = !size && groups.reduce((sum, group) => sum + group.names.length, 0) <= kMostNamed;
  const sized = size && { column: size, most: mostIn(size) };
  return (
    <div class="map">
      <p class="map-legend fine">
        {column.label}: <span class="less">less</span>
        {Array.from({ length: kShades }, (_, shade) => (
          <span key={shade} class={`tile-host shade${shade}`} />
        ))}
        <span>more</span>
        <span class="mark warn">
          <Icon name="warn" />
        </span>{" "}
        warning
        <span class="mark crit">
          <Icon name="crit" />
        </span>{" "}
        critical
        <span class="tile-host offline">
          <Icon name="offline" />
        </span>{" "}
        offline
      </p>
      {groups.map((group) => (
        <section key={group.value} aria-label={group.value || "hosts"}>
          {tag !== null && <GroupHeading group={group} tag={tag} />}
          {!(tag !== null && folded.has(group.value)) && (
            <div class="tiles">
              {hosts(group.names).map((host) => (
                <Tile
                  key={host.hostname}
                  host={host}
                  column={column}
                  most={most}
                  size={sized}
                  named={named}
                />
              ))}
            </div>
          )}
        </section>
      ))}
    </div>
  );
}
