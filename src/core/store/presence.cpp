#include "sysmon/presence.hpp"

#include "core/store/bytes.hpp"

namespace sysmon {

namespace {

void put_runs(std::string& out, std::span<const std::uint32_t> places) {
  std::uint32_t next = 0;  // the first place not yet spoken of
  for (std::size_t i = 0; i < places.size();) {
    std::size_t end = i + 1;
    while (end < places.size() && places[end] == places[end - 1] + 1) ++end;
    put_varint(out, places[i] - next);
    put_varint(out, end - i);
    next = places[end - 1] + 1;
    i = end;
  }
}

std::size_t bitmap_bytes(std::uint32_t universe) { return (universe + 7U) / 8U; }

}  // namespace

void put_presence(std::string& out, std::uint32_t universe, std::span<const std::uint32_t> places) {
  if (places.size() == universe) {
    out.push_back(static_cast<char>(Presence::kAll));
    return;
  }
  std::string runs;
  put_runs(runs, places);
  if (runs.size() <= bitmap_bytes(universe)) {
    out.push_back(static_cast<char>(Presence::kRuns));
    put_varint(out, runs.size());
    out.append(runs);
    return;
  }
  out.push_back(static_cast<char>(Presence::kBitmap));
  const std::size_t start = out.size();
  out.append(bitmap_bytes(universe), '\0');
  for (const std::uint32_t place : places) {
    char& eight = out[start + place / 8];
    eight = static_cast<char>(static_cast<unsigned char>(eight) | (1U << (place % 8)));
  }
}

Presence Presence::take(ByteReader& in, std::uint32_t universe, std::uint32_t count) {
  Presence presence;
  presence.universe_ = universe;
  presence.way_ = in.fixed<std::uint8_t>();
  if (presence.way_ > kBitmap) in.fail();
  if (presence.way_ == kRuns) presence.bytes_ = in.take(in.varint());
  if (presence.way_ == kBitmap) presence.bytes_ = in.take(bitmap_bytes(universe));
  if (!in.ok()) return {};
  std::uint64_t present = 0;
  const bool is_list = presence.each_run([&present](std::uint32_t /*first*/, std::uint32_t run) {
    present += run;
    return true;
  });
  if (!is_list || present != count) in.fail();
  return presence;
}

bool Presence::next_run(std::string_view& runs, std::uint64_t& gap, std::uint64_t& count) {
  ByteReader in(runs);
  gap = in.varint();
  count = in.varint();
  runs = in.rest();
  return in.ok();
}

void Presence::read(std::vector<std::uint32_t>& out) const {
  out.clear();
  each_run([&out](std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) out.push_back(first + i);
    return true;
  });
}

}  // namespace sysmon
