// What the aggregator says of itself: its version, and what its operator should change.
import { signal } from "@preact/signals";
import { getHealth } from "../api";
import type { Health } from "../api-types";
import { noticeRefusal } from "./session";

export const health = signal<Health | null>(null);

export async function loadHealth(): Promise<void> {
  try {
    health.value = await getHealth();
  } catch (error) {
    // Without it the page lacks a warning; that the aggregator is away is said elsewhere.
    noticeRefusal(error);
  }
}
