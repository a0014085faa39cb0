// /proc/net/snmp and /proc/net/netstat: the counters of the network stack, as pairs of lines.
//
//   Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens …
//   Tcp: 1 200 120000 -1 1830 …
//
// The lines name some 300 counters and we want a dozen, so the columns are looked up once and remembered for
// as long as the line of names stays the same, letter for letter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sysmon/result.hpp"

namespace sysmon {

struct NetCounter {
  std::string_view protocol;  // "Tcp", "TcpExt"
  std::string_view name;      // "RetransSegs"
};

class NetCounterParser {
 public:
  // REQUIRES: what `wanted` points to has static storage.
  explicit NetCounterParser(std::span<const NetCounter> wanted);

  // out[i] becomes the value of wanted[i], or nullopt where this kernel has no such counter.
  // REQUIRES: out is as long as wanted.
  // Error: malformed, with the protocol, where a line of values is missing, too short or not of numbers.
  Result<void> parse(std::string_view text, std::span<std::optional<std::uint64_t>> out);

 private:
  struct Column {
    std::size_t position;  // among the values of the line, from 0
    std::size_t wanted;    // index into wanted_
  };
  struct Protocol {
    std::string_view name;
    std::string names;            // the line the columns were found in
    std::vector<Column> columns;  // by position
  };
  void find_columns(Protocol& protocol, std::string_view names);

  std::span<const NetCounter> wanted_;
  std::vector<Protocol> protocols_;
};

}  // namespace sysmon
