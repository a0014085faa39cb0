#include "agent/hand_over.hpp"

#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <string>

#include "agent/options.hpp"

namespace sysmon::agent {
namespace {

// The folder this executable lies in: pip puts `sysmon` beside it.
std::string own_folder() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0) return "";
  const std::string text(path.data(), static_cast<std::size_t>(size));
  return text.substr(0, text.rfind('/'));
}

}  // namespace

int hand_over_to_sysmon_up() {
  std::string beside = own_folder() + "/sysmon";
  std::string name = "sysmon";
  std::string up = "up";
  const std::array<char*, 3> arguments = {name.data(), up.data(), nullptr};
  ::execv(beside.c_str(), arguments.data());
  ::execvp(name.c_str(), arguments.data());
  std::fputs(
      "error: local mode is `sysmon up`, and there is no sysmon beside sysmon-agent or in PATH. Fix: pip "
      "install sysmon, or set mode: distributed and aggregator_url in ~/.sysmon/agent.yaml\n",
      stderr);
  return kConfiguration;
}

}  // namespace sysmon::agent
