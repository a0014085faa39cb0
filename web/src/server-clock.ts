// How far the aggregator's clock is from this computer's, from messages of which one knows only when they came.

/**
 * The seconds to add to the local clock, as far as a message changes them. The aggregator stamped it with `time`,
 * after `sentAfter` and before `arrived` by the local clock; whatever lies between is as likely, so that a message
 * which was long on its way, or waited for a busy page, moves nothing.
 */
export function offsetAfter(old: number, time: number, arrived: number, sentAfter: number | null): number {
  const least = time - arrived;
  const most = sentAfter === null ? Number.POSITIVE_INFINITY : time - sentAfter;
  return Math.min(Math.max(old, least), most);
}
