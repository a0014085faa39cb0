// A chart's question as a line for a terminal.
import { spanText } from "./time-range";

/** Quoted for a POSIX shell: names of hosts and tags are hostile input. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

export function asCurl(url: string): string {
  return `curl -s ${shellQuote(url)}`;
}

interface Question {
  hosts: readonly string[];
  types: readonly string[];
  start: number;
  end: number;
  step: number;
}

/** One line a host: the command line asks for one host at a time. */
export function asCli({ hosts, types, start, end, step }: Question, now: number): string {
  const ago = (time: number) => spanText(Math.max(1, Math.round(now - time)));
  const until = end < now - 1 ? ` --until ${ago(end)}` : "";
  const what = types.map(shellQuote).join(" ");
  return hosts
    .map(
      (host) =>
        `sysmon metrics query ${what} --host ${shellQuote(host)} --since ${ago(start)}${until} --step ${spanText(step)}`,
    )
    .join("\n");
}
