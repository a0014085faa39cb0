// u8 coding | varint first | [varint first difference] | varint centre, and unless all residuals are that:
// [varint unit] | u8 model | u8 shift | integers
//
// All differences wrap around: they are taken and undone modulo 2^64.
#include "core/store/value_codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>

#include "core/store/entropy.hpp"

namespace sysmon {

namespace {

// coding: bits 0-2 decimals (7: the bits of the double), 3-4 prediction, 5 residuals are signed, 6 a unit follows,
// 7 every residual is the centre, which ends the series. Do not renumber.
enum Prediction : std::uint8_t {
  kConstant = 0,  // all are the first
  kValue = 1,     // residuals are the values, less the first
  kDelta = 2,     // … the differences of neighbours
  kDeltaOfDelta = 3
};
constexpr unsigned kPredictionShift = 3;
constexpr unsigned kSigned = 1U << 5U;
constexpr unsigned kHasUnit = 1U << 6U;
constexpr unsigned kAtCentre = 1U << 7U;

constexpr std::array<double, kNoDecimals> kPowers{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
constexpr std::uint64_t kMagnitude = UINT64_MAX >> 1U;  // all bits of a double but its sign
constexpr double kExact = 9007199254740992.0;           // 2^53: below it every whole number is a double

using Integers = std::vector<std::int64_t>;

std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

// REQUIRES: |value| < 2^53. Halves may go either way: whoever asks checks what came out.
std::int64_t nearest(double value) { return static_cast<std::int64_t>(value + (value < 0 ? -0.5 : 0.5)); }

// Doubles in the order of their size as integers in the same order, so that neighbours are near each other.
std::int64_t to_ordered(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return static_cast<std::int64_t>(std::signbit(value) ? bits ^ kMagnitude : bits);
}
double from_ordered(std::int64_t ordered) {
  const auto bits = static_cast<std::uint64_t>(ordered);
  return std::bit_cast<double>(ordered < 0 ? bits ^ kMagnitude : bits);
}

// The integers the values stand for under so many decimals.
Integers to_integers(std::span<const double> values, unsigned decimals) {
  Integers integers(values.size());
  if (decimals == kNoDecimals) {
    std::ranges::transform(values, integers.begin(), &to_ordered);
  } else {
    std::ranges::transform(values, integers.begin(),
                           [power = kPowers[decimals]](double value) { return nearest(value * power); });
  }
  return integers;
}

// Residuals of a prediction; how many numbers it takes to begin with.
std::size_t lead_of(Prediction prediction) { return prediction == kDeltaOfDelta ? 2 : 1; }

Integers residuals_of(std::span<const std::int64_t> values, Prediction prediction) {
  const std::size_t lead = lead_of(prediction);
  Integers residuals(values.size() - lead);
  for (std::size_t i = lead; i < values.size(); ++i) {
    std::int64_t& residual = residuals[i - lead];
    if (prediction == kValue) {
      residual = minus(values[i], values[0]);
    } else {
      residual = minus(values[i], values[i - 1]);
      if (prediction == kDeltaOfDelta) residual = minus(residual, minus(values[i - 1], values[i - 2]));
    }
  }
  return residuals;
}

// Where residuals are centred: each is centre + unit · (a signed or unsigned whole number).
struct Centre {
  std::int64_t centre = 0;
  bool is_signed = false;
  std::uint64_t bits = 0;  // of all offsets, each alone
};

std::uint64_t offset_of(std::int64_t residual, const Centre& centre) {
  const std::int64_t difference = minus(residual, centre.centre);
  return centre.is_signed ? to_zigzag(difference) : static_cast<std::uint64_t>(difference);
}

// What the offsets take, each alone.
std::uint64_t bits_of(std::span<const std::int64_t> residuals, const Centre& centre) {
  std::uint64_t bits = 0;
  for (const std::int64_t residual : residuals)
    bits += static_cast<unsigned>(std::bit_width(offset_of(residual, centre)));
  return bits;
}

// About the median and to both sides, or from the least upwards: what is shorter.
Centre centre_of(std::span<const std::int64_t> residuals, Integers& scratch) {
  scratch.assign(residuals.begin(), residuals.end());
  const auto middle = scratch.begin() + static_cast<std::ptrdiff_t>(scratch.size() / 2);
  std::ranges::nth_element(scratch, middle);
  Centre median{*middle, true};
  Centre least{*std::min_element(scratch.begin(), middle + 1), false};
  median.bits = bits_of(residuals, median);
  least.bits = bits_of(residuals, least);
  return least.bits <= median.bits ? least : median;
}

// The largest number that divides the distance of every residual from the centre; 1 where they are all at it.
std::uint64_t unit_of(std::span<const std::int64_t> residuals, const Centre& centre) {
  std::uint64_t unit = 0;
  for (const std::int64_t residual : residuals) {
    const std::int64_t difference = minus(residual, centre.centre);
    unit = std::gcd(unit, centre.is_signed ? magnitude(difference) : static_cast<std::uint64_t>(difference));
    if (unit == 1) break;
  }
  return std::max<std::uint64_t>(unit, 1);
}

struct Plan {
  Prediction prediction = kConstant;
  Integers residuals;
  Centre centre;
};

// REQUIRES: at least two values.
Plan plan_of(std::span<const std::int64_t> values) {
  Plan best;
  Integers scratch;
  for (const Prediction prediction : {kDelta, kValue, kDeltaOfDelta}) {
    if (values.size() <= lead_of(prediction)) continue;
    Integers residuals = residuals_of(values, prediction);
    const Centre centre = centre_of(residuals, scratch);
    if (best.prediction != kConstant && centre.bits >= best.centre.bits) continue;
    best = {prediction, std::move(residuals), centre};
  }
  return best;
}

void put_series(std::string& out, std::span<const std::int64_t> values, unsigned decimals) {
  if (std::ranges::all_of(values, [first = values[0]](std::int64_t value) { return value == first; })) {
    out.push_back(static_cast<char>(decimals));  // and kConstant, which is 0
    put_varint(out, to_zigzag(values[0]));
    return;
  }
  const Plan plan = plan_of(values);
  const Centre& centre = plan.centre;
  const std::uint64_t unit = unit_of(plan.residuals, centre);
  std::vector<std::uint64_t> integers(plan.residuals.size());
  std::ranges::transform(plan.residuals, integers.begin(), [&](std::int64_t residual) -> std::uint64_t {
    const std::int64_t difference = minus(residual, centre.centre);
    if (!centre.is_signed) return static_cast<std::uint64_t>(difference) / unit;
    const std::uint64_t steps = magnitude(difference) / unit;
    return difference < 0 ? steps * 2 - 1 : steps * 2;
  });
  // Ticks that are on time, and what grows steadily: an answer for many hosts reads more of them than of the rest.
  const bool is_at_centre = std::ranges::all_of(integers, [](std::uint64_t steps) { return steps == 0; });
  const unsigned how_spread =
      is_at_centre ? kAtCentre : (centre.is_signed ? kSigned : 0U) | (unit > 1 ? kHasUnit : 0U);
  out.push_back(
      static_cast<char>(decimals | static_cast<unsigned>(plan.prediction) << kPredictionShift | how_spread));
  put_varint(out, to_zigzag(values[0]));
  if (plan.prediction == kDeltaOfDelta) put_varint(out, to_zigzag(minus(values[1], values[0])));
  put_varint(out, to_zigzag(centre.centre));
  if (is_at_centre) return;
  if (unit > 1) put_varint(out, unit);
  const EntropyModel how = choose_model(integers);
  out.push_back(static_cast<char>(how.model));
  out.push_back(static_cast<char>(how.shift));
  put_integers(out, integers, how);
}

// The integers in place: what was read as offsets becomes values.
void undo(std::span<std::int64_t> values, Prediction prediction, std::int64_t first, std::int64_t second) {
  values[0] = first;
  switch (prediction) {
    case kValue:
      for (std::size_t i = 1; i < values.size(); ++i) values[i] = plus(values[i], first);
      return;
    case kDelta:
      for (std::size_t i = 1; i < values.size(); ++i) values[i] = plus(values[i], values[i - 1]);
      return;
    default: {
      std::int64_t delta = second;
      values[1] = plus(first, delta);
      for (std::size_t i = 2; i < values.size(); ++i) {
        delta = plus(delta, values[i]);
        values[i] = plus(values[i - 1], delta);
      }
    }
  }
}

// A series on its way from bytes to integers.
class SeriesReader {
 public:
  // Takes what comes before the integers.
  SeriesReader(ByteReader& in, std::span<std::int64_t> out) : out_(out) {
    const auto coding = in.fixed<std::uint8_t>();
    prediction_ = static_cast<Prediction>(std::uint32_t{coding} >> kPredictionShift & 3U);
    decimals_ = coding & 7U;
    first_ = from_zigzag(in.varint());
    if (prediction_ == kConstant) return;
    const std::size_t lead = lead_of(prediction_);
    if (out.size() <= lead) in.fail();
    if (prediction_ == kDeltaOfDelta) second_ = from_zigzag(in.varint());
    centre_ = from_zigzag(in.varint());
    is_signed_ = (coding & kSigned) != 0;
    if ((coding & kAtCentre) != 0) {
      if ((coding & (kSigned | kHasUnit)) != 0) in.fail();
      return;
    }
    if ((coding & kHasUnit) != 0) unit_ = in.varint();
    const auto model = in.fixed<std::uint8_t>();
    const auto shift = in.fixed<std::uint8_t>();
    if (!in.ok()) return;
    // Signed and unsigned of one width may lie in each other's place.
    list_ = IntegerList{
        &in, {reinterpret_cast<std::uint64_t*>(out.data()) + lead, out.size() - lead}, {model, shift}};
  }

  // Integers that are to be read before `finish`, if there are any.
  [[nodiscard]] const std::optional<IntegerList>& list() const { return list_; }

  // REQUIRES: whatever was read is ok.
  void finish() {
    if (prediction_ == kConstant) {
      std::ranges::fill(out_, first_);
      return;
    }
    if (list_) {
      for (std::uint64_t& offset : list_->out) {
        const std::uint64_t steps = is_signed_ ? static_cast<std::uint64_t>(from_zigzag(offset)) : offset;
        offset = static_cast<std::uint64_t>(centre_) + steps * unit_;
      }
    } else {
      std::ranges::fill(out_.subspan(lead_of(prediction_)), centre_);
    }
    undo(out_, prediction_, first_, second_);
  }

  // Under so many it was written.
  [[nodiscard]] unsigned decimals() const { return decimals_; }

 private:
  std::span<std::int64_t> out_;
  unsigned decimals_ = 0;
  Prediction prediction_ = kConstant;
  bool is_signed_ = false;
  std::int64_t first_ = 0;
  std::int64_t second_ = 0;  // difference
  std::int64_t centre_ = 0;
  std::uint64_t unit_ = 1;
  std::optional<IntegerList> list_;
};

void to_doubles(std::span<const std::int64_t> integers, unsigned decimals, std::span<double> out) {
  if (decimals == kNoDecimals) {
    std::ranges::transform(integers, out.begin(), &from_ordered);
  } else if (decimals == 0) {
    std::ranges::transform(integers, out.begin(),
                           [](std::int64_t whole) { return static_cast<double>(whole); });
  } else {
    std::ranges::transform(integers, out.begin(), [power = kPowers[decimals]](std::int64_t whole) {
      return static_cast<double>(whole) / power;
    });
  }
}

}  // namespace

bool is_decimal(double value, unsigned decimals, std::int64_t& whole) {
  const double scaled = value * kPowers[decimals];
  if (!(std::abs(scaled) < kExact)) return false;
  whole = nearest(scaled);
  return std::bit_cast<std::uint64_t>(static_cast<double>(whole) / kPowers[decimals]) ==
         std::bit_cast<std::uint64_t>(value);
}

unsigned decimals_of(std::span<const double> values) {
  unsigned decimals = 0;
  std::int64_t whole = 0;
  for (const double value : values) {
    while (decimals < kNoDecimals && !is_decimal(value, decimals, whole)) ++decimals;
    if (decimals == kNoDecimals) return kNoDecimals;
  }
  if (decimals == 0) return 0;
  // A large value that is whole may be too large with the decimals that a later one needs.
  const bool all =
      std::ranges::all_of(values, [&](double value) { return is_decimal(value, decimals, whole); });
  return all ? decimals : kNoDecimals;
}

double to_decimals(double value, unsigned decimals) {
  if (decimals == kNoDecimals) return value;
  const double scaled = value * kPowers[decimals];
  return std::abs(scaled) < kExact ? std::nearbyint(scaled) / kPowers[decimals] : value;
}

void put_values(std::string& out, std::span<const double> values) {
  const unsigned decimals = decimals_of(values);
  put_series(out, to_integers(values, decimals), decimals);
}

void take_values(ByteReader& in, std::span<double> out) {
  thread_local Integers integers;
  integers.resize(out.size());
  SeriesReader series(in, integers);
  if (series.list()) take_integers(*series.list());
  if (!in.ok()) return;
  series.finish();
  to_doubles(integers, series.decimals(), out);
}

void take_values(ByteReader& in_a, std::span<double> out_a, ByteReader& in_b, std::span<double> out_b) {
  thread_local Integers integers_a;
  thread_local Integers integers_b;
  integers_a.resize(out_a.size());
  integers_b.resize(out_b.size());
  SeriesReader a(in_a, integers_a);
  SeriesReader b(in_b, integers_b);
  if (a.list() && b.list()) {
    take_integers(*a.list(), *b.list());
  } else if (a.list() || b.list()) {
    take_integers(a.list() ? *a.list() : *b.list());
  }
  if (!in_a.ok() || !in_b.ok()) return;
  a.finish();
  b.finish();
  to_doubles(integers_a, a.decimals(), out_a);
  to_doubles(integers_b, b.decimals(), out_b);
}

void put_integers_as_series(std::string& out, std::span<const std::int64_t> values) {
  put_series(out, values, 0);
}

void take_integers_as_series(ByteReader& in, std::span<std::int64_t> out) {
  SeriesReader series(in, out);
  if (series.list()) take_integers(*series.list());
  if (in.ok()) series.finish();
}

}  // namespace sysmon
