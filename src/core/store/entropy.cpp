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
#include <optional>

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

// Symbols of one list into `out`.
class SymbolReader {
 public:
  SymbolReader(std::string_view in, std::span<std::uint64_t> out, const Model& model)
      : next_(reinterpret_cast<const unsigned char*>(in.data())),
        end_(next_ + in.size()),
        value_(out.data()),
        last_(value_ + out.size()),
        symbols_(model.symbols.data()),
        frequencies_(model.frequencies.data()),
        starts_(model.starts.data()) {
    for (std::size_t i = 0; i < kStateBytes && next_ != end_; ++i) state_ = state_ << 8U | *next_++;
  }

  // Every symbol has to wait for the one before it in its list: two lists take little longer than one.
  static void read_together(SymbolReader& a, SymbolReader& b) {
    SymbolReader one = a;  // copies, which stay in registers
    SymbolReader other = b;
    while (one.is_fast() && other.is_fast()) {
      one.step();
      other.step();
    }
    a = one;
    b = other;
  }

  // Whatever is left; false where the bytes end too early or the encoder did not begin where this ends.
  bool finish() {
    SymbolReader me = *this;
    while (me.is_fast()) me.step();
    while (me.value_ != me.last_) {
      me.take_symbol();
      for (unsigned i = me.missing_bytes(); i > 0; --i) {
        if (me.next_ == me.end_) return false;
        me.state_ = me.state_ << 8U | *me.next_++;
      }
    }
    *this = me;
    return state_ == kLowState;
  }

  // Bytes that were not used.
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

 private:
  [[nodiscard]] bool is_fast() const { return value_ != last_ && end_ - next_ >= 2; }

  void take_symbol() {
    const std::uint32_t slot = state_ & (kPrecision - 1);
    const unsigned symbol = symbols_[slot];
    state_ = frequencies_[symbol] * (state_ >> kPrecisionBits) + slot - starts_[symbol];
    *value_++ = symbol;
  }
  // How many bytes bring the state back to 24 bits: a count and not a loop, which no processor could foretell.
  [[nodiscard]] unsigned missing_bytes() const {
    return static_cast<unsigned>(std::countl_zero(state_ | 1U) - 8) / 8;
  }
  void step() {
    take_symbol();
    const unsigned missing = missing_bytes();
    const unsigned pair = static_cast<unsigned>(next_[0]) << 8U | next_[1];
    state_ = state_ << (8 * missing) | pair >> (16 - 8 * missing);
    next_ += missing;
  }

  const unsigned char* next_;
  const unsigned char* end_;
  std::uint64_t* value_;
  std::uint64_t* last_;
  const std::uint8_t* symbols_;
  const std::uint32_t* frequencies_;
  const std::uint32_t* starts_;
  std::uint32_t state_ = 0;
};

// Puts the low bits under the symbols.
void add_low_bits(std::string_view low, std::span<std::uint64_t> values, unsigned shift) {
  if (shift == 0) return;
  const std::uint64_t mask = (UINT64_C(1) << shift) - 1;
  std::size_t at = 0;  // in bits
  std::size_t i = 0;
  // Most of them lie in a word that begins with their first byte.
  const std::size_t words = shift <= 57 && low.size() >= sizeof mask ? low.size() - sizeof mask : 0;
  for (; i < values.size() && at / 8 < words; ++i, at += shift) {
    std::uint64_t word = 0;
    std::memcpy(&word, low.data() + at / 8, sizeof word);
    values[i] = values[i] << shift | (word >> (at % 8) & mask);
  }
  for (; i < values.size(); ++i, at += shift) {
    const std::size_t byte = at / 8;
    const unsigned skip = static_cast<unsigned>(at % 8);
    std::uint64_t word = 0;
    std::memcpy(&word, low.data() + byte, std::min(low.size() - byte, sizeof word));
    word >>= skip;
    if (skip + shift > 64)
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(low[byte + 8])) << (64 - skip);
    values[i] = values[i] << shift | (word & mask);
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

namespace {

// One list on its way: low bits, symbols, escapes.
class ListReader {
 public:
  explicit ListReader(const IntegerList& list) : list_(list) {
    ByteReader& in = *list_.in;
    if (list_.how.model >= kModels || list_.how.shift > kMaxShift) in.fail();
    low_ = in.take(low_bytes(list_.out.size(), list_.how.shift));
    if (in.ok()) symbols_.emplace(in.rest(), list_.out, model_of(list_.how.model));
  }

  static void read_together(ListReader& a, ListReader& b) {
    if (a.symbols_ && b.symbols_) SymbolReader::read_together(*a.symbols_, *b.symbols_);
  }

  void finish() {
    ByteReader& in = *list_.in;
    if (!symbols_) return;
    if (!symbols_->finish()) {
      in.fail();
      return;
    }
    in.take(in.rest().size() - symbols_->left());
    bool has_escape = false;
    for (const std::uint64_t value : list_.out) has_escape |= value == kEscape;  // without a branch for each
    if (has_escape) {
      for (std::uint64_t& value : list_.out) {
        if (value == kEscape) value += in.varint();
      }
    }
    add_low_bits(low_, list_.out, list_.how.shift);
  }

 private:
  IntegerList list_;
  std::string_view low_;
  std::optional<SymbolReader> symbols_;
};

}  // namespace

void take_integers(const IntegerList& list) { ListReader(list).finish(); }

void take_integers(const IntegerList& a, const IntegerList& b) {
  ListReader one(a);
  ListReader other(b);
  ListReader::read_together(one, other);
  one.finish();
  other.finish();
}

}  // namespace sysmon
