// Agents and aggregators of different versions work together; what differs is said.

function parts(version: string): [number, number] | null {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}

/** What is to be said where an agent's version is not the aggregator's; null where they fit. */
export function skew(agent: string | null | undefined, aggregator: string | null | undefined): string | null {
  const [own, other] = [agent, aggregator].map((one) => (one ? parts(one) : null));
  if (!own || !other || (own[0] === other[0] && own[1] === other[1])) return null;
  const newer = own[0] > other[0] || (own[0] === other[0] && own[1] > other[1]);
  return newer
    ? `Agent ${agent} is newer than the aggregator (${aggregator}): upgrade the aggregator first`
    : `Agent ${agent} is older than the aggregator (${aggregator})`;
}
