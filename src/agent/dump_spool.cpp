#include "agent/dump_spool.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <vector>

#include "agent/pretty_json.hpp"
#include "agent/standard_output.hpp"
#include "sysmon/spool_view.hpp"

namespace sysmon::agent {
namespace {

using Row = std::vector<std::string>;

std::string utc(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts{};
  std::array<char, 64> text{};  // a year has as many digits as a damaged record likes
  if (::gmtime_r(&seconds, &parts) == nullptr) return std::to_string(unix_ms) + " ms";
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

std::string count(std::uint64_t number, const std::string& one, const std::string& many) {
  return std::to_string(number) + " " + (number == 1 ? one : many);
}

std::string place_text(const SpoolView::Place& at) { return at.file + " at " + std::to_string(at.offset); }

// Columns as wide as their widest cell, two blanks apart.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(widths[i] - row[i].size() + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

std::string cursor_text(const SpoolView& view) {
  if (!view.cursor) return "none";
  std::string text = place_text(view.cursor->at);
  if (view.cursor->seq > 0) {
    text += ", expects batch " + std::to_string(view.cursor->seq) + " of stream " + view.cursor->stream;
  }
  return text;
}

std::string head_text(const SpoolView& view) {
  std::uint64_t bytes = 0;
  for (const SpoolView::Segment& segment : view.segments) bytes += segment.bytes;
  std::uint64_t dropped = 0;
  for (const SpoolView::Drop& drop : view.dropped) dropped += drop.range.last - drop.range.first + 1;
  return table({{"folder", view.folder},
                {"agent_id", view.agent_id.empty() ? "none" : view.agent_id},
                {"cursor", cursor_text(view)},
                {"segments", std::to_string(view.segments.size()) + ", " + count(bytes, "byte", "bytes")},
                {"waiting", count(view.waiting.size(), "batch", "batches")},
                {"dropped", count(dropped, "batch", "batches") + " not yet acknowledged as lost"},
                {"quarantined", count(view.quarantined.size(), "batch", "batches")},
                {"damage", count(view.damage.size(), "place", "places")}});
}

std::string ranges_text(const SpoolView& view) {
  std::vector<Row> rows{{"FATE", "STREAM", "FIRST", "LAST", "BATCHES", "SAMPLES", "BYTES", "SINCE", "UNTIL"}};
  for (const SpoolRange& range : ranges_of(view)) {
    const bool is_timed = range.until_ms != 0;
    std::string fate(range.fate);
    if (!range.reason.empty()) fate += ": " + std::string(range.reason);
    rows.push_back({fate, range.stream, std::to_string(range.seqs.first), std::to_string(range.seqs.last),
                    std::to_string(range.batches), std::to_string(range.samples), std::to_string(range.bytes),
                    is_timed ? utc(range.since_ms) : "", is_timed ? utc(range.until_ms) : ""});
  }
  return rows.size() == 1 ? "" : '\n' + table(rows);
}

std::string segments_text(const SpoolView& view) {
  std::vector<Row> rows{{"SEGMENT", "BYTES", "BATCHES", "DROPS"}};
  for (const SpoolView::Segment& segment : view.segments) {
    rows.push_back({segment.file, std::to_string(segment.bytes), std::to_string(segment.batches),
                    std::to_string(segment.drops)});
  }
  return rows.size() == 1 ? "" : '\n' + table(rows);
}

std::string damage_text(const SpoolView& view) {
  std::string text;
  for (const SpoolView::Place& at : view.damage) {
    text += at.bytes == 0 ? "damaged: " + at.file + " cannot be read\n"
                          : "damaged: " + place_text(at) + ", " + count(at.bytes, "byte is", "bytes are") +
                                " no record\n";
  }
  if (view.unfinished) {
    text += "unfinished: " + place_text(*view.unfinished) + ", " +
            count(view.unfinished->bytes, "byte", "bytes") + " of a record\n";
  }
  return text.empty() ? "" : '\n' + text;
}

int exit_code_of(Error::Kind kind) {
  switch (kind) {
    case Error::Kind::invalid:
      return kUnsafeFile;
    case Error::Kind::not_found:
      return kNotFound;
    case Error::Kind::permission:
      return kNotAllowed;
    default:
      return kUnexpected;
  }
}

}  // namespace

int dump_spool(const Options& options, const AgentConfig& config) {
  const std::string folder = state_directory(config, process_environment());
  const auto view =
      folder.empty()
          ? Result<SpoolView>(Error{Error::Kind::not_found, "spool.dir", "neither it nor HOME is set", 0})
          : look_at_spool(folder);
  if (!view) {
    std::fprintf(stderr, "error: %s\n", view.error().message().c_str());
    return exit_code_of(view.error().kind);
  }
  return print(options.json
                   ? pretty_json(to_json(*view))
                   : head_text(*view) + ranges_text(*view) + segments_text(*view) + damage_text(*view));
}

}  // namespace sysmon::agent
