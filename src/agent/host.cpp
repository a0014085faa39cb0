#include "agent/host.hpp"

namespace sysmon::agent {
namespace {

constexpr std::size_t kMaxHostname = 253;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string host_name(const AgentConfig& config, const ProcRoot& root) {
  if (!config.hostname.empty()) return config.hostname;
  const auto text = read_file(root.path("/proc/sys/kernel/hostname"));
  std::string name;
  if (text) {
    for (const char c : text->substr(0, std::min(text->find('\n'), kMaxHostname))) {
      name += is_alnum(c) || c == '.' ? c : '-';
    }
  }
  while (!name.empty() && !is_alnum(name.back())) name.pop_back();
  name.erase(0, name.find_first_not_of("-."));
  return name.empty() ? "localhost" : name;
}

bool is_readable_on_the_way(std::string_view url) {
  constexpr std::string_view kPlain = "http://";
  if (!url.starts_with(kPlain)) return false;
  const std::string_view authority = url.substr(kPlain.size(), url.find('/', kPlain.size()) - kPlain.size());
  const std::string_view host = authority.substr(0, authority.rfind(':'));
  return !(host == "localhost" || host.starts_with("127.") || host == "[::1]" || authority == "[::1]");
}

}  // namespace sysmon::agent
