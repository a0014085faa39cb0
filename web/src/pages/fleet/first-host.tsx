// What the page shows before the first host: how to add one.

const kConfig = (url: string) => `agent:
  mode: distributed
  aggregator_url: ${url}
  auth_token: <the aggregator's token>
  push_interval: 10s`;

export function FirstHost() {
  return (
    <section class="first-host">
      <h2>No hosts yet</h2>
      <p>
        On a Linux host, put this in <code>~/.sysmon/agent.yaml</code>:
      </p>
      <pre>{kConfig(location.origin)}</pre>
      <p>and start the agent:</p>
      <pre>sysmon-agent</pre>
      <p class="waiting" role="status">
        <span class="dot" /> Waiting for the first contact…
      </p>
    </section>
  );
}
