#include "sysmon/chunk.hpp"

#include <algorithm>
#include <array>

#include "core/store/bytes.hpp"
#include "core/store/value_codec.hpp"

namespace sysmon {

namespace {

constexpr std::uint8_t kVersion = 1;            // of ticks and parts; do not renumber
constexpr std::uint32_t kMaxTicks = 1U << 20U;  // an hour at 4 ms

// The families of each part; what is not named here is in part 1. A family that moves would make old chunks
// unreadable: new ones are added, none is moved.
struct Family {
  std::string_view name;
  unsigned part;
};
constexpr unsigned kOther = 1;
constexpr std::array<Family, 30> kFamilies{
    {{"cpu", 2},     {"load", 2},      {"pressure", 2}, {"psi", 2},     {"memory", 3}, {"mem", 3},
     {"swap", 3},    {"vmstat", 3},    {"vm", 3},       {"disk", 4},    {"diskio", 4}, {"fs", 4},
     {"raid", 4},    {"network", 5},   {"net", 5},      {"tcp", 5},     {"udp", 5},    {"sockets", 5},
     {"softnet", 5}, {"conntrack", 5}, {"process", 6},  {"procs", 6},   {"kernel", 6}, {"system", 6},
     {"sys", 6},     {"systemd", 6},   {"sensor", 6},   {"battery", 6}, {"time", 6},   {"agent", 6}}};

constexpr unsigned kTierShift = 48;
constexpr unsigned kHourShift = 27;
constexpr unsigned kHostShift = 3;

Error malformed(std::string_view what) { return Error::malformed("chunk", what); }

// Distinct lists of ticks that some series of a part have; most have all ticks and are in none of them.
class Patterns {
 public:
  explicit Patterns(std::uint32_t ticks) : ticks_(ticks) {}
  // 0: all ticks; else the number of the pattern, from 1.
  std::uint32_t number_of(const std::vector<std::uint32_t>& places) {
    if (places.size() == ticks_) return 0;
    const auto found =
        std::ranges::find_if(known_, [&places](const auto* known) { return *known == places; });
    if (found == known_.end()) {
      known_.push_back(&places);
      return static_cast<std::uint32_t>(known_.size());
    }
    return static_cast<std::uint32_t>(found - known_.begin()) + 1;
  }
  void put(std::string& out) const {
    put_varint(out, known_.size());
    for (const auto* places : known_) {
      put_varint(out, places->size());
      put_presence(out, ticks_, *places);
    }
  }

 private:
  std::uint32_t ticks_;
  std::vector<const std::vector<std::uint32_t>*> known_;
};

std::string pack_body(const ChunkSeries& series) {
  std::string body;
  const std::size_t count = series.ticks.size();
  const std::span<const double> values(series.values);
  for (std::size_t field = 0; field < fields_of(series.shape); ++field)
    put_values(body, values.subspan(field * count, count));
  return body;
}

}  // namespace

unsigned part_of(std::string_view type) {
  const std::string_view family = type.substr(0, type.find('.'));
  const auto found = std::ranges::find(kFamilies, family, &Family::name);
  return found == kFamilies.end() ? kOther : found->part;
}

bool is_intact(std::string_view payload) { return without_checksum(payload).ok; }

bool may_be_in(const Selector& selector, unsigned part) {
  if (!selector.types) return true;
  return std::ranges::any_of(*selector.types, [part](std::string_view type) {
    // "cpu*" may be any family that begins like that; "cpu.*" is one family, as is a name.
    const bool names_family = !type.ends_with('*') || type.find('.') != std::string_view::npos;
    return !names_family || part_of(type) == part;
  });
}

std::int64_t ChunkKey::pack() const {
  const std::uint64_t bits = std::uint64_t{tier} << kTierShift | std::uint64_t{hour} << kHourShift |
                             std::uint64_t{host} << kHostShift | part;
  return static_cast<std::int64_t>(bits);
}

ChunkKey ChunkKey::unpack(std::int64_t key) {
  const auto bits = static_cast<std::uint64_t>(key);
  return {static_cast<std::uint8_t>(bits >> kTierShift & 3U),
          static_cast<std::uint32_t>(bits >> kHourShift & 0x1F'FFFFU),
          static_cast<std::uint32_t>(bits >> kHostShift & 0xFF'FFFFU), static_cast<std::uint8_t>(bits & 7U)};
}

std::size_t fields_of(Shape shape) {
  switch (shape) {
    case Shape::gauge_cell:
      return 5;
    case Shape::counter_cell:
      return 4;
    default:
      return 1;
  }
}

// ---- ticks: u8 version | varint count | times | varint boots | per boot: varint ticks since the last one, u32 hash
// | checksum

std::string pack_ticks(const Ticks& ticks) {
  std::string out(1, static_cast<char>(kVersion));
  put_varint(out, ticks.times.size());
  if (!ticks.times.empty()) put_integers_as_series(out, ticks.times);
  put_varint(out, ticks.boots.size());
  std::uint32_t before = 0;
  for (const auto& [tick, boot] : ticks.boots) {
    put_varint(out, tick - before);
    put_fixed(out, boot);
    before = tick;
  }
  put_fixed(out, checksum(out));
  return out;
}

namespace {

Result<std::uint32_t> take_count(ByteReader& in, std::string_view payload) {
  const Checked checked = without_checksum(payload);
  if (!checked.ok) return malformed("the checksum of its ticks does not match");
  in = ByteReader(checked.bytes);
  if (in.fixed<std::uint8_t>() != kVersion) return malformed("unknown version of its ticks");
  const std::uint64_t count = in.varint();
  if (!in.ok() || count > kMaxTicks) return malformed("more ticks than can be");
  return static_cast<std::uint32_t>(count);
}

}  // namespace

Result<std::uint32_t> count_ticks(std::string_view payload) {
  ByteReader in("");
  return take_count(in, payload);
}

Result<Ticks> unpack_ticks(std::string_view payload) {
  ByteReader in("");
  const Result<std::uint32_t> count = take_count(in, payload);
  if (!count) return count.error();
  Ticks ticks;
  ticks.times.resize(*count);
  if (*count > 0) take_integers_as_series(in, ticks.times);
  if (in.ok() && std::ranges::adjacent_find(ticks.times, std::greater_equal()) != ticks.times.end())
    return malformed("its ticks are not in order");
  const std::uint64_t boots = in.varint();
  std::uint64_t tick = 0;
  for (std::uint64_t i = 0; i < boots && in.ok(); ++i) {
    tick += in.varint();
    if (tick >= *count) in.fail();
    const auto boot = in.fixed<std::uint32_t>();
    if (in.ok()) ticks.boots.emplace_back(static_cast<std::uint32_t>(tick), boot);
  }
  if (!in.ok() || !in.rest().empty()) return malformed("its ticks are cut short");
  return ticks;
}

// ---- part: u8 version | varint key set | varint members of the part in the set | varint ticks | varint series |
// presence among the members | varint patterns | per pattern: varint count, presence among the ticks |
// per series: varint (bytes · 2 + has pattern) · 4 + shape, [varint pattern] | bodies | checksum

std::vector<std::uint32_t> members_of(const KeySet& set, unsigned part) {
  std::vector<std::uint32_t> members;
  for (std::uint32_t position = 0; position < set.keys.size(); ++position) {
    if (part_of(set.keys[position]->type()) == part) members.push_back(position);
  }
  return members;
}

std::string pack_part(const KeySet& set, unsigned part, std::uint32_t ticks,
                      std::span<const ChunkSeries* const> series) {
  std::uint32_t members = 0;
  std::vector<std::uint32_t> present;
  for (const Key* key : set.keys) {
    if (part_of(key->type()) != part) continue;
    if (present.size() < series.size() && series[present.size()]->key == key) present.push_back(members);
    ++members;
  }
  std::string out(1, static_cast<char>(kVersion));
  put_varint(out, set.id);
  put_varint(out, members);
  put_varint(out, ticks);
  put_varint(out, series.size());
  put_presence(out, members, present);

  Patterns patterns(ticks);
  std::string table;
  std::string bodies;
  for (const ChunkSeries* one : series) {
    const std::uint32_t pattern = patterns.number_of(one->ticks);
    const std::string body = pack_body(*one);
    put_varint(table, (body.size() * 2 + (pattern != 0 ? 1 : 0)) * 4 + static_cast<unsigned>(one->shape));
    if (pattern != 0) put_varint(table, pattern);
    bodies.append(body);
  }
  patterns.put(out);
  out.append(table);
  out.append(bodies);
  put_fixed(out, checksum(out));
  return out;
}

namespace {

struct Pattern {
  Presence ticks;
  std::uint32_t count;
};

// The patterns of a part.
std::vector<Pattern> take_patterns(ByteReader& in, std::uint32_t ticks, std::uint32_t most) {
  std::vector<Pattern> patterns;
  const std::uint64_t count = in.varint();
  if (count > most) in.fail();
  for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
    const std::uint64_t places = in.varint();
    if (places == 0 || places > ticks) in.fail();
    patterns.push_back(
        {Presence::take(in, ticks, static_cast<std::uint32_t>(places)), static_cast<std::uint32_t>(places)});
  }
  return patterns;
}

}  // namespace

Result<PartView> PartView::parse(std::string_view payload) {
  const Checked checked = without_checksum(payload);
  if (!checked.ok) return malformed("the checksum of a part does not match");
  ByteReader in(checked.bytes);
  if (in.fixed<std::uint8_t>() != kVersion) return malformed("unknown version of a part");
  PartView view;
  const std::uint64_t key_set = in.varint();
  const std::uint64_t members = in.varint();
  const std::uint64_t ticks = in.varint();
  const std::uint64_t count = in.varint();
  if (key_set == 0 || key_set > UINT32_MAX) return malformed("no key set");
  if (members > KeySets::kMaxKeysPerSet || count > members || ticks > kMaxTicks)
    return malformed("more series than keys, or more ticks than can be");
  view.key_set_ = static_cast<KeySetId>(key_set);
  view.members_ = static_cast<std::uint32_t>(members);
  view.ticks_ = static_cast<std::uint32_t>(ticks);
  std::vector<std::uint32_t> present;
  Presence::take(in, view.members_, static_cast<std::uint32_t>(count)).read(present);
  const std::vector<Pattern> patterns = take_patterns(in, view.ticks_, static_cast<std::uint32_t>(count));
  if (!in.ok()) return malformed("cut short, or its presences do not fit");

  view.series_.reserve(present.size());
  std::vector<std::uint64_t> sizes;
  sizes.reserve(present.size());
  for (const std::uint32_t member : present) {
    const std::uint64_t head = in.varint();
    const std::uint64_t pattern = (head & 4U) != 0 ? in.varint() : 0;
    if ((head & 3U) > static_cast<unsigned>(Shape::counter_cell) || pattern > patterns.size() ||
        ((head & 4U) != 0 && pattern == 0))
      return malformed("a series is none");
    const Pattern ticks_of =
        pattern == 0 ? Pattern{Presence::all(view.ticks_), view.ticks_} : patterns[pattern - 1];
    view.series_.push_back({member, static_cast<Shape>(head & 3U), ticks_of.ticks, ticks_of.count, {}});
    sizes.push_back(head >> 3U);
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) view.series_[i].body = in.take(sizes[i]);
  if (!in.ok() || !in.rest().empty()) return malformed("its length does not fit its series");
  return view;
}

namespace {

Result<void> check_read(const ByteReader& in) {
  if (in.ok() && in.rest().empty()) return {};
  return malformed("the values of a series are not what they should be");
}

}  // namespace

Result<void> PartView::read(const Entry& entry, std::vector<double>& values) {
  const std::size_t fields = fields_of(entry.shape);
  values.resize(fields * entry.count);
  ByteReader in(entry.body);
  if (entry.count == 0) return malformed("a series without ticks");
  for (std::size_t field = 0; field < fields && in.ok(); ++field)
    take_values(in, std::span(values).subspan(field * entry.count, entry.count));
  return check_read(in);
}

Result<void> PartView::read(const Entry& a, std::vector<double>& values_a, const Entry& b,
                            std::vector<double>& values_b) {
  if (a.count == 0 || b.count == 0) return malformed("a series without ticks");
  values_a.resize(a.count);
  values_b.resize(b.count);
  ByteReader in_a(a.body);
  ByteReader in_b(b.body);
  take_values(in_a, values_a, in_b, values_b);
  const Result<void> read = check_read(in_a);
  return read ? check_read(in_b) : read;
}

}  // namespace sysmon
