#include "agent/once.hpp"

#include <thread>

#include "agent/host.hpp"
#include "agent/pretty_json.hpp"
#include "agent/standard_output.hpp"
#include "agent/synthetic.hpp"
#include "sysmon/batch_encoder.hpp"
#include "sysmon/facts.hpp"
#include "sysmon/metrics_collector.hpp"

namespace sysmon::agent {

int print_once(const Options& options, const AgentConfig& config) {
  const ProcRoot root(options.proc_root);
  const ProcRoot newest = root.steps().back();  // of a recorded pair, where the second reading comes from
  const std::string hostname = host_name(config, newest);
  MetricsCollectorOptions wanted;
  wanted.interval = std::chrono::seconds{1};
  wanted.root = root;
  wanted.metrics = config.metrics;
  wanted.devices = config.devices;
  if (options.synthetic) disable_collectors(wanted.metrics);
  MetricsCollector collector(std::move(wanted));
  if (options.synthetic) collector.on_tick(synthetic_samples(*options.synthetic, hostname));

  (void)collector.sample(std::chrono::milliseconds{0});
  if (root.is_live()) std::this_thread::sleep_for(std::chrono::seconds{1});
  const SampleBatch& batch = collector.sample();

  Envelope envelope;
  envelope.hostname = hostname;
  envelope.host_tags = config.host_tags;
  envelope.interval = config.push_interval;
  if (const auto boot_id = read_boot_id(newest)) envelope.boot_id = *boot_id;
  BatchEncoder encoder;
  encoder.set_envelope(envelope);
  const std::string facts = FactsReader(newest, config.devices).json();
  return print(pretty_json(encoder.json(batch, batch.samples, facts)));
}

}  // namespace sysmon::agent
