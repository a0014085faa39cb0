#include <nlohmann/json.hpp>

#include "sysmon/spool_view.hpp"

namespace sysmon {
namespace {

using Json = nlohmann::ordered_json;

// Milliseconds have three decimals in a double for a hundred thousand years.
double seconds(std::int64_t milliseconds) { return static_cast<double>(milliseconds) / 1000; }

Json place(const SpoolView::Place& at) {
  return {{"file", at.file}, {"offset", at.offset}, {"bytes", at.bytes}};
}

Json list(const auto& items, const auto& one) {
  Json all = Json::array();
  for (const auto& item : items) all.push_back(one(item));
  return all;
}

Json batch(const SpoolView::Batch& batch) {
  return {
      {"stream", batch.stream},   {"seq", batch.seq},         {"timestamp", seconds(batch.sealed_ms)},
      {"samples", batch.samples}, {"bytes", batch.bytes},     {"encoding", batch.is_gzip ? "gzip" : "plain"},
      {"file", batch.at.file},    {"offset", batch.at.offset}};
}

Json segment(const SpoolView::Segment& segment) {
  return {{"file", segment.file},
          {"bytes", segment.bytes},
          {"batches", segment.batches},
          {"drops", segment.drops}};
}

Json drop(const SpoolView::Drop& drop) {
  return {{"stream", drop.stream},   {"first", drop.range.first},        {"last", drop.range.last},
          {"samples", drop.samples}, {"reason", to_string(drop.reason)}, {"recorded", drop.is_recorded}};
}

Json range(const SpoolRange& range) {
  Json json = {{"fate", range.fate},      {"stream", range.stream},   {"first", range.seqs.first},
               {"last", range.seqs.last}, {"batches", range.batches}, {"samples", range.samples},
               {"bytes", range.bytes}};
  if (range.until_ms != 0) {
    json["since"] = seconds(range.since_ms);
    json["until"] = seconds(range.until_ms);
  }
  if (!range.reason.empty()) json["reason"] = range.reason;
  return json;
}

Json cursor(const SpoolView::Cursor& cursor) {
  Json json = {{"file", cursor.at.file}, {"offset", cursor.at.offset}};
  if (!cursor.stream.empty()) {
    json["stream"] = cursor.stream;
    json["seq"] = cursor.seq;
  }
  return json;
}

}  // namespace

std::string to_json(const SpoolView& view) {
  Json json;
  json["folder"] = view.folder;
  json["agent_id"] = view.agent_id.empty() ? Json() : Json(view.agent_id);
  json["cursor"] = view.cursor ? cursor(*view.cursor) : Json();
  json["segments"] = list(view.segments, segment);
  json["ranges"] = list(ranges_of(view), range);
  json["waiting"] = list(view.waiting, batch);
  json["dropped"] = list(view.dropped, drop);
  json["quarantined"] = list(view.quarantined, batch);
  json["damage"] = list(view.damage, place);
  json["unfinished"] = view.unfinished ? place(*view.unfinished) : Json();
  // A folder's name may be any bytes.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sysmon
