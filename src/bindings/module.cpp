// sysmon._core: the table of contents. Python users import from `sysmon`; its types are in
// python/sysmon/_core.pyi.
#include "bindings/bindings.hpp"

PYBIND11_MODULE(_core, m) {
  using namespace sysmon::bindings;  // NOLINT(google-build-using-namespace)
  m.doc() = "The native core of sysmon.";
  m.attr("__version__") = SYSMON_VERSION;
  bind_registry(m);
  bind_prometheus(m);
  bind_metrics_collector(m);
  bind_ring_buffer(m);
  bind_facts(m);
  bind_agent_config(m);
  bind_spool(m);
  bind_key_sets(m);
  bind_push_decoder(m);
  bind_last_values(m);
  bind_columns(m);
  bind_compaction(m);
}
