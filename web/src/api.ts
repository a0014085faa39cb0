// Every request of the page: the only file with fetch and WebSocket.
import type {
  ClientMessage,
  CompareAnswer,
  FleetSummary,
  GapList,
  Health,
  HostDetail,
  HostEvent,
  HostList,
  LatestAnswer,
  Ledger,
  MetricsAnswer,
  MetricType,
  ProcessList,
  ServerMessage,
} from "./api-types";
import { urgently, whenIdle } from "./request-order";

const kTimeoutMs = 20_000;

/** A request that failed: `status` is 0 when no answer came at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

type Params = Record<string, string | number | readonly string[] | undefined>;

function query(params: Params): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(key, String(one));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

async function failure(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as { error?: { code?: string; message?: string } };
    if (body.error?.message)
      return new ApiError(response.status, body.error.code ?? "error", body.error.message);
  } catch {
    // Not ours: a proxy's page, for one.  The status has to do.
  }
  return new ApiError(
    response.status,
    "http_error",
    `The server answered ${response.status} ${response.statusText}.`,
  );
}

interface Asked {
  path: string;
  response: Promise<Response>;
}

declare global {
  /** What was asked early and nobody has taken; null once the page has asked for samples by itself. */
  var sysmonEarly: Asked | null | undefined;
}

const kAsJson = { headers: { Accept: "application/json" }, credentials: "same-origin" } as const;

/** Asks before there is a page: whoever asks the same first has that answer. On a slow start the page is first. */
export function askEarly(wanted: MetricsQuery): void {
  if (globalThis.sysmonEarly === null) return;
  const path = metricsPath(wanted);
  const response = fetch(path, kAsJson);
  response.catch(() => {}); // told by whoever takes it
  globalThis.sysmonEarly = { path, response };
}

function takeEarly(path: string): Promise<Response> | undefined {
  if (!path.startsWith("/api/metrics?")) return undefined;
  const asked = globalThis.sysmonEarly;
  globalThis.sysmonEarly = null;
  return asked?.path === path ? asked.response : undefined;
}

async function request(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const limit = AbortSignal.timeout(kTimeoutMs);
  let response: Response;
  try {
    response = await (takeEarly(path) ??
      fetch(path, {
        ...init,
        credentials: "same-origin",
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      }));
  } catch (error) {
    if (signal?.aborted) throw error;
    const late = limit.aborted;
    throw new ApiError(
      0,
      late ? "timeout" : "unreachable",
      late ? "The server did not answer in 20 s." : "The server cannot be reached.",
    );
  }
  if (!response.ok) throw await failure(response);
  return response;
}

async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  const response = await request(path + query(params), kAsJson, signal);
  return (await response.json()) as T;
}

/** As `get`, for what is below, behind or beside what is looked at first. */
async function getLater<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  await whenIdle();
  return get(path, params, signal);
}

export function getHosts(cursor?: string): Promise<HostList> {
  return get("/api/hosts", { cursor });
}

export function getHost(name: string, signal?: AbortSignal): Promise<HostDetail> {
  return get(`/api/hosts/${encodeURIComponent(name)}`, {}, signal);
}

export interface MetricsQuery {
  host: string;
  types: readonly string[];
  start: number;
  end?: number;
  step: number;
  agg?: "min" | "max";
}

function metricsPath({ host, types, start, end, step, agg }: MetricsQuery): string {
  return `/api/metrics${query({ host, type: types, start, end, step, agg })}`;
}

/** `urgent` for the lines that a page is opened for. */
export function getMetrics(
  wanted: MetricsQuery,
  signal?: AbortSignal,
  urgent = false,
): Promise<MetricsAnswer> {
  const path = metricsPath(wanted);
  return urgent ? urgently(() => get(path, {}, signal)) : getLater(path, {}, signal);
}

type ManyQuery = Omit<MetricsQuery, "host"> & { hosts: readonly string[] };

export function getMetricsOfMany(wanted: ManyQuery, signal?: AbortSignal): Promise<MetricsAnswer> {
  const { hosts, types, start, end, step } = wanted;
  return get("/api/metrics", { host: hosts, type: types, start, end, step }, signal);
}

/** The same question as an address, for programs. */
export function metricsUrl(wanted: ManyQuery): string {
  const { hosts, types, start, end, step } = wanted;
  return `${location.origin}/api/metrics${query({ host: hosts, type: types, start, end, step })}`;
}

/** Times without samples between `start` and `end`, and batches that are missing at all. */
export function getGaps(host: string, start: number, end: number, signal?: AbortSignal): Promise<GapList> {
  return getLater(`/api/hosts/${encodeURIComponent(host)}/gaps`, { start, end }, signal);
}

export async function getEvents(host: string, signal?: AbortSignal): Promise<HostEvent[]> {
  const path = `/api/hosts/${encodeURIComponent(host)}/events`;
  return (await getLater<{ events: HostEvent[] }>(path, { limit: 200 }, signal)).events;
}

/** The newest snapshot of the top processes at `at`; without it the newest at all. */
export function getProcesses(host: string, at?: number, signal?: AbortSignal): Promise<ProcessList> {
  return getLater(`/api/hosts/${encodeURIComponent(host)}/processes`, { at }, signal);
}

export function getLedger(host: string, signal?: AbortSignal): Promise<Ledger> {
  return getLater(`/api/hosts/${encodeURIComponent(host)}/ledger`, {}, signal);
}

export async function getTypes(): Promise<MetricType[]> {
  return (await getLater<{ types: MetricType[] }>("/api/metrics/types")).types;
}

export function getLatest(host: string, signal?: AbortSignal): Promise<LatestAnswer> {
  return getLater("/api/metrics/latest", { host }, signal);
}

export function getSummary(): Promise<FleetSummary> {
  return get("/api/fleet/summary");
}

export function getCompare(
  hosts: readonly string[],
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<CompareAnswer> {
  return get("/api/compare", { hosts: hosts.join(","), start, end }, signal);
}

export function getHealth(): Promise<Health> {
  return getLater("/api/health");
}

/** Trades the read token for a session cookie that scripts cannot read; the token itself is not kept. */
export async function openSession(token: string): Promise<void> {
  await request("/api/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
}

/** What an administrator may change of a host; a tag that is null is taken away. */
export interface HostPatch {
  tags?: Record<string, string | null>;
  archived?: boolean;
}

async function change(method: "PATCH" | "DELETE", host: string, token: string, body?: HostPatch) {
  await request(`/api/hosts/${encodeURIComponent(host)}`, {
    method,
    headers: { "Content-Type": "application/json", "X-SysMon-Token": token },
    body: body && JSON.stringify(body),
  });
}

export function changeHost(host: string, patch: HostPatch, token: string): Promise<void> {
  return change("PATCH", host, token, patch);
}

/** Forgets a host and everything that it sent. */
export function forgetHost(host: string, token: string): Promise<void> {
  return change("DELETE", host, token);
}

export interface Socket {
  isOpen(): boolean;
  send(message: ClientMessage): void;
  close(): void;
}

/** Opens the live channel.  `onEnd` is called once, also when it never opened; not after `close()`. */
export function openSocket(onMessage: (message: ServerMessage) => void, onEnd: () => void): Socket {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws`);
  const waiting: string[] = [];
  let closed = false;
  socket.onopen = () => {
    for (const text of waiting.splice(0)) socket.send(text);
  };
  socket.onmessage = (event) => {
    if (!closed) onMessage(JSON.parse(String(event.data)) as ServerMessage);
  };
  socket.onclose = () => {
    if (!closed) onEnd();
    closed = true;
  };
  return {
    isOpen: () => socket.readyState === WebSocket.OPEN,
    send(message) {
      const text = JSON.stringify(message);
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
      else if (socket.readyState === WebSocket.CONNECTING) waiting.push(text);
    },
    close() {
      closed = true;
      socket.close();
    },
  };
}
