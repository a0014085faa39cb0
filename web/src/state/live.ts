// The live channel: hello and deltas while the tab is visible, polling while the channel is down.
import { signal } from "@preact/signals";
import { ApiError, getHosts, openSocket, type Socket } from "../api";
import type { Host, ServerMessage } from "../api-types";
import { backoffMs } from "../backoff";
import { setServerTime } from "./clock";
import { applyChanges, hostsError, hostsLoaded, setHosts } from "./hosts";
import { needsToken, noticeRefusal } from "./session";

export type Connection = "connecting" | "live" | "lost" | "paused";

export const connection = signal<Connection>("connecting");
/** When the next attempt is made, by the local clock in milliseconds; only while lost. */
export const retryAt = signal(0);

const kPollMs = 10_000;
// How long an attempt may hang before the page says that live updates are missing.
const kHangMs = 5_000;
// The hello brings every host: only where the channel has not opened by then is the list read as well.
const kPatienceMs = 1_000;

let socket: Socket | null = null;
let attempt = 0;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
let watched: string | null = null;
let openedAt = 0; // Unix seconds by the local clock

function onMessage(message: ServerMessage): void {
  // A delta may have waited for any time; a hello is not older than its channel.
  setServerTime(message.time, message.kind === "hello" ? openedAt : null);
  if (message.kind === "hello") {
    attempt = 0;
    connection.value = "live";
    setHosts(message.hosts);
  } else if (message.kind === "delta") {
    applyChanges(message.hosts);
  }
}

function connect(): void {
  clearTimeout(retryTimer);
  if (needsToken.value) return;
  socket?.close();
  openedAt = Date.now() / 1000;
  socket = openSocket(onMessage, onEnd);
  if (watched) socket.send({ kind: "watch", host: watched });
  retryTimer = setTimeout(() => {
    if (connection.value !== "live") onEnd();
  }, kHangMs);
}

function onEnd(): void {
  clearTimeout(retryTimer);
  socket?.close();
  socket = null;
  const wait = backoffMs(attempt, Math.random());
  attempt += 1;
  connection.value = "lost";
  retryAt.value = Date.now() + wait;
  // Without a session every attempt would be refused: the page starts afresh when there is one.
  if (needsToken.value) return;
  retryTimer = setTimeout(connect, wait);
  void poll();
}

/** Reads the whole list of hosts over HTTP, all pages of it. */
async function poll(): Promise<void> {
  try {
    const hosts: Host[] = [];
    let cursor: string | undefined;
    do {
      const page = await getHosts(cursor);
      hosts.push(...page.hosts);
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    // Once the channel is live its deltas are newer than any list.
    if (connection.value !== "live") setHosts(hosts);
  } catch (error) {
    if (!noticeRefusal(error) && !hostsLoaded.value) {
      hostsError.value = error instanceof ApiError ? error.message : String(error);
    }
  }
}

function onVisibility(): void {
  if (document.hidden) {
    // Nobody looks: no traffic, no work.
    clearTimeout(retryTimer);
    socket?.close();
    socket = null;
    connection.value = "paused";
  } else if (connection.value === "paused") {
    attempt = 0;
    connection.value = "connecting";
    connect();
  }
}

/** Tells the aggregator which host's page is open; null for none. */
export function watch(host: string | null): void {
  watched = host;
  socket?.send(host ? { kind: "watch", host } : { kind: "unwatch" });
}

export function retryNow(): void {
  connect();
  void poll();
}

export function startLive(): void {
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("online", retryNow);
  setInterval(() => {
    if (connection.value === "lost" && !document.hidden && !needsToken.value) void poll();
  }, kPollMs);
  connect();
  setTimeout(() => {
    if (!hostsLoaded.value && !socket?.isOpen() && !document.hidden && !needsToken.value) void poll();
  }, kPatienceMs);
}
