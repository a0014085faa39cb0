// low bits, shift · n of them, low first, in whole bytes | rANS: three bytes of state, then bytes as the decoder asks for
// them | a varint for each escape
#include "core/store/entropy.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>

namespace sysmon {

namespace {

constexpr unsigned kSymbols = 24;
constexpr unsigned kEscape = kSymbols - 1;  // everything from here on; what is above it follows as a varint
constexpr unsigned kPrecisionBits = 12;
constexpr std::uint32_t kPrecision = 1U << kPrecisionBits;
constexpr std::uint32_t kLowState = 1U << 16U;  // the state lies in [kLowState, 256 · kLowState)
constexpr std::size_t kStateBytes = 3;

// ---- models. All arithmetic is on integers: every machine must make the same ones. ----

// Weights fall by a ratio (in 1/65536) that itself falls by `bend`: 65536 gives a geometric distribution, less
// gives the half of a bell. Do not renumber.
struct Shape {
  std::uint32_t ratio;
  std::uint32_t bend;
};
constexpr std::array<Shape, 12> kShapes{{{3'200, 65'536},     // geometric: exp(-1/s), s = 0.33
                                         {12'400, 65'536},    // 0.6
                                         {24'100, 65'536},    // 1.0
                                         {36'400, 65'536},    // 1.7
                                         {45'900, 65'536},    // 2.8
                                         {52'500, 65'536},    // 4.5
                                         {1'100, 1'100},      // bell: exp(-1/s²), s = 0.5
                                         {16'300, 16'300},    // 0.85
                                         {38'500, 38'500},    // 1.37
                                         {53'400, 53'400},    // 2.2
                                         {60'500, 60'500},    // 3.55
                                         {63'500, 63'500}}};  // 5.6
// The share of zeros in 1/4096; 0 leaves the shape as it is.
constexpr std::array<std::uint32_t, 9> kZeros{0, 1'024, 1'843, 2'662, 3'277, 3'686, 3'891, 4'014, 4'072};
static_assert(kShapes.size() * kZeros.size() == kModels);

using Frequencies = std::array<std::uint32_t, kSymbols>;

Frequencies weights_of(const Shape& shape) {
  Frequencies weights{};
  std::uint64_t weight = 1U << 24U;
  std::uint64_t ratio = shape.ratio;
  for (std::uint32_t& slot : weights) {
    slot = static_cast<std::uint32_t>(weight);
    weight = weight * ratio >> 16U;
    ratio = ratio * shape.bend >> 16U;
  }
  return weights;
}

// Frequencies that add up to kPrecision, none zero.
Frequencies frequencies_of(unsigned model) {
  const Frequencies weights = weights_of(kShapes[model % kShapes.size()]);
  const std::uint32_t zeros = kZeros[model / kShapes.size()];
  const unsigned first = zeros == 0 ? 0 : 1;  // the first symbol that shares in the rest
  std::uint64_t sum = 0;
  for (unsigned i = first; i < kSymbols; ++i) sum += weights[i];
  const std::uint64_t room = kPrecision - zeros - (kSymbols - first);  // one each is given beforehand
  Frequencies frequencies{};
  std::uint32_t given = 0;
  for (unsigned i = kSymbols - 1; i > 0; --i) {
    frequencies[i] = 1 + static_cast<std::uint32_t>(room * weights[i] / std::max<std::uint64_t>(sum, 1));
    given += frequencies[i];
  }
  frequencies[0] = kPrecision - given;  // with what rounding left
  return frequencies;
}

struct Model {
  Frequencies frequencies{};
  Frequencies starts{};
  std::array<std::uint8_t, kPrecision> symbols{};  // of each slot

  explicit Model(unsigned number) : frequencies(frequencies_of(number)) {
    std::uint32_t next = 0;
    for (unsigned symbol = 0; symbol < kSymbols; ++symbol) {
      starts[symbol] = next;
      std::fill_n(symbols.begin() + next, frequencies[symbol], static_cast<std::uint8_t>(symbol));
      next += frequencies[symbol];
    }
  }
};

// Made when first used: a fleet of one kind needs about half of them.
const Model& model_of(unsigned number) {
  static std::array<std::once_flag, kModels> once;
  static std::array<std::unique_ptr<const Model>, kModels> models;
  std::call_once(once[number], [number] { models[number] = std::make_unique<const Model>(number); });
  return *models[number];
}

// What each symbol costs in every model, side by side; for choosing only.
using Costs = std::array<std::array<float, kModels>, kSymbols>;

const Costs& costs() {
  static const auto all = [] {
    auto made = std::make_unique<Costs>();
    for (unsigned number = 0; number < kModels; ++number) {
      const Frequencies frequencies = frequencies_of(number);
      for (unsigned symbol = 0; symbol < kSymbols; ++symbol) {
        (*made)[symbol][number] =
            static_cast<float>(kPrecisionBits) - std::log2(static_cast<float>(frequencies[symbol]));
      }
    }
    return made;
  }();
  return *all;
}

unsigned symbol_of(std::uint64_t rest) { return rest < kEscape ? static_cast<unsigned>(rest) : kEscape; }

std::size_t low_bytes(std::size_t count, unsigned shift) { return (count * shift + 7) / 8; }

void put_low_bits(std::string& out, std::span<const std::uint64_t> values, unsigned shift) {
  if (shift == 0) return;
  const std::uint64_t mask = (UINT64_C(1) << shift) - 1;
  unsigned __int128 pending = 0;
  unsigned bits = 0;
  for (const std::uint64_t value : values) {
    pending |= static_cast<unsigned __int128>(value & mask) << bits;
    bits += shift;
    for (; bits >= 8; bits -= 8, pending >>= 8U) out.push_back(static_cast<char>(pending));
  }
  if (bits > 0) out.push_back(static_cast<char>(pending));
}

void put_symbols(std::string& out, std::span<const std::uint64_t> values, EntropyModel how) {
  const Model& model = model_of(how.model);
  // rANS is last in, first out: the values go in backwards, and the bytes are turned around.
  const std::size_t start = out.size();
  std::uint32_t state = kLowState;
  for (std::size_t i = values.size(); i-- > 0;) {
    const unsigned symbol = symbol_of(values[i] >> how.shift);
    const std::uint32_t frequency = model.frequencies[symbol];
    for (; state >= (kLowState >> kPrecisionBits << 8U) * frequency; state >>= 8U)
      out.push_back(static_cast<char>(state));
    state = (state / frequency << kPrecisionBits) + state % frequency + model.starts[symbol];
  }
  for (std::size_t i = 0; i < kStateBytes; ++i, state >>= 8U) out.push_back(static_cast<char>(state));
  std::reverse(out.begin() + static_cast<std::ptrdiff_t>(start), out.end());
}

// Symbols into `out`; false where the bytes end too early. `in` is left behind the last byte used.
bool take_symbols(std::string_view& in, std::span<std::uint64_t> out, const Model& model, bool& has_escape) {
  if (in.size() < kStateBytes) return false;
  const auto* next = reinterpret_cast<const unsigned char*>(in.data());
  const auto* const end = next + in.size();
  // Plain pointers: this loop is where reading spends its time.
  const std::uint8_t* const symbols = model.symbols.data();
  const std::uint32_t* const frequencies = model.frequencies.data();
  const std::uint32_t* const starts = model.starts.data();
  std::uint32_t state = 0;
  for (std::size_t i = 0; i < kStateBytes; ++i) state = state << 8U | *next++;
  bool escaped = false;
  for (std::uint64_t& value : out) {
    const std::uint32_t slot = state & (kPrecision - 1);
    const unsigned symbol = symbols[slot];
    state = frequencies[symbol] * (state >> kPrecisionBits) + slot - starts[symbol];
    value = symbol;
    escaped |= symbol == kEscape;
    // How many bytes bring it back to 24 bits: a count and not a loop, which no processor could foretell.
    const auto missing = static_cast<unsigned>(std::countl_zero(state | 1U) - 8) / 8;
    if (end - next >= 2) {
      const unsigned pair = static_cast<unsigned>(next[0]) << 8U | next[1];
      state = state << (8 * missing) | pair >> (16 - 8 * missing);
      next += missing;
    } else {
      for (unsigned i = 0; i < missing; ++i) {
        if (next == end) return false;
        state = state << 8U | *next++;
      }
    }
  }
  has_escape = escaped;
  in.remove_prefix(in.size() - static_cast<std::size_t>(end - next));
  return state == kLowState;  // where the encoder began
}

// Puts the low bits under the symbols.
void add_low_bits(std::string_view low, std::span<std::uint64_t> values, unsigned shift) {
  if (shift == 0) return;
  const std::uint64_t mask = (UINT64_C(1) << shift) - 1;
  std::size_t at = 0;  // in bits
  for (std::uint64_t& value : values) {
    const std::size_t byte = at / 8;
    const unsigned skip = static_cast<unsigned>(at % 8);
    std::uint64_t word = 0;
    if (low.size() - byte >= sizeof word) {
      std::memcpy(&word, low.data() + byte, sizeof word);
    } else {
      std::memcpy(&word, low.data() + byte, low.size() - byte);
    }
    word >>= skip;
    if (skip + shift > 64)
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(low[byte + 8])) << (64 - skip);
    value = value << shift | (word & mask);
    at += shift;
  }
}

// What the values would cost with this shift under the best model.
float best_bits(std::span<const std::uint64_t> values, unsigned shift, std::uint8_t& best) {
  std::array<std::uint32_t, kSymbols> count{};
  std::uint64_t escape_bits = 0;
  for (const std::uint64_t value : values) {
    const std::uint64_t rest = value >> shift;
    ++count[symbol_of(rest)];
    if (rest >= kEscape)
      escape_bits +=
          std::uint64_t{8} * ((static_cast<unsigned>(std::bit_width((rest - kEscape) | 1U)) + 6U) / 7U);
  }
  const Costs& all = costs();
  std::array<float, kModels> bits{};
  for (unsigned symbol = 0; symbol < kSymbols; ++symbol) {
    if (count[symbol] == 0) continue;
    const auto weight = static_cast<float>(count[symbol]);
    for (unsigned model = 0; model < kModels; ++model) bits[model] += weight * all[symbol][model];
  }
  const auto least = std::ranges::min_element(bits);
  best = static_cast<std::uint8_t>(least - bits.begin());
  return *least + static_cast<float>(escape_bits) +
         static_cast<float>(values.size()) * static_cast<float>(shift);
}

}  // namespace

EntropyModel choose_model(std::span<const std::uint64_t> values) {
  std::uint64_t widths = 0;
  for (const std::uint64_t value : values) widths += static_cast<unsigned>(std::bit_width(value));
  const unsigned mean = values.empty() ? 0 : static_cast<unsigned>(widths / values.size());
  // A rest of some three bits: less wastes what the shape knows, more runs into the escape.
  const unsigned from = mean > 4 ? mean - 4 : 0;
  EntropyModel chosen;
  float least = 0;
  for (unsigned shift = from; shift <= std::min(from + 3, kMaxShift); ++shift) {
    std::uint8_t model = 0;
    const float bits = best_bits(values, shift, model);
    if (shift != from && bits >= least) break;  // it only gets worse from here
    least = bits;
    chosen = {model, static_cast<std::uint8_t>(shift)};
  }
  return chosen;
}

void put_integers(std::string& out, std::span<const std::uint64_t> values, EntropyModel how) {
  put_low_bits(out, values, how.shift);
  put_symbols(out, values, how);
  for (const std::uint64_t value : values) {
    const std::uint64_t rest = value >> how.shift;
    if (rest >= kEscape) put_varint(out, rest - kEscape);
  }
}

void take_integers(ByteReader& in, std::span<std::uint64_t> out, EntropyModel how) {
  if (how.model >= kModels || how.shift > kMaxShift) {
    in.fail();
    return;
  }
  const std::string_view low = in.take(low_bytes(out.size(), how.shift));
  if (!in.ok()) return;
  std::string_view rest = in.rest();
  bool has_escape = false;
  if (!take_symbols(rest, out, model_of(how.model), has_escape)) {
    in.fail();
    return;
  }
  in.take(in.rest().size() - rest.size());
  if (has_escape) {
    for (std::uint64_t& value : out) {
      if (value == kEscape) value += in.varint();
    }
  }
  add_low_bits(low, out, how.shift);
}

}  // namespace sysmon
