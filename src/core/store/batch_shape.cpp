#include "core/store/batch_shape.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

namespace sysmon {

namespace {

constexpr std::size_t kHosts = 32'768;     // a generation
constexpr std::size_t kBytes = 8U << 20U;  // a generation, of all shapes
constexpr std::string_view kOpening = R"("metrics":[)";
constexpr std::string_view kClosing = "]}";
constexpr std::size_t kMaxNumber = 64;  // longer ones are refused by the parser
constexpr int kExactDigits = 15;        // any integer of so many is a double
constexpr int kIntegerDigits = 18;      // any integer of so many is an int64
// Powers of ten that are doubles: a quotient of two of these is rounded once, as it should be.
constexpr std::array<double, kExactDigits + 1> kPowers = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Passes digits, adding them to `number` as far as it goes; how many there were.
int take_digits(const char*& at, const char* end, std::uint64_t& number) {
  const char* first = at;
  while (at != end && is_digit(*at)) number = number * 10 + static_cast<std::uint64_t>(*at++ - '0');
  return static_cast<int>(at - first);
}

// Reads a number as JSON writes it; nullptr where there is none, or one that is rare enough to be left to the
// parser: integers of 19 digits and more, and what is no double.
const char* take_number(const char* at, const char* end, double& value) {
  const char* first = at;
  const bool is_negative = at != end && *at == '-';
  if (is_negative) ++at;
  std::uint64_t number = 0;
  const char* leading = at;
  int digits = take_digits(at, end, number);
  if (digits == 0 || (digits > 1 && *leading == '0')) return nullptr;
  const bool is_whole = at == end || (*at != '.' && *at != 'e' && *at != 'E');
  if (is_whole) {
    if (digits > kIntegerDigits) return nullptr;
    const auto whole = static_cast<std::int64_t>(number);
    value = static_cast<double>(is_negative ? -whole : whole);  // so that -0 is 0, as for the parser
    return at;
  }
  int decimals = 0;
  if (*at == '.') {
    ++at;
    decimals = take_digits(at, end, number);
    if (decimals == 0) return nullptr;
    digits += decimals;
  }
  if ((at == end || (*at != 'e' && *at != 'E')) && digits <= kExactDigits) {
    value = static_cast<double>(number) / kPowers[static_cast<std::size_t>(decimals)];
    if (is_negative) value = -value;
    return at;
  }
  if (at != end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end && (*at == '+' || *at == '-')) ++at;
    std::uint64_t exponent = 0;
    if (take_digits(at, end, exponent) == 0) return nullptr;
  }
  const std::size_t length = static_cast<std::size_t>(at - first);
  if (length > kMaxNumber) return nullptr;
  const auto [last, error] = std::from_chars(first, at, value);
  return error == std::errc() && last == at && std::isfinite(value) ? at : nullptr;
}

// The next number outside of a string; `end` where there is none. REQUIRES: valid JSON, outside of a string.
const char* find_number(const char* at, const char* end) {
  bool is_in_string = false;
  for (; at != end; ++at) {
    if (*at == '"') {
      is_in_string = !is_in_string;
    } else if (is_in_string) {
      if (*at == '\\') ++at;
    } else if (*at == '-' || is_digit(*at)) {
      return at;
    }
  }
  return end;
}

}  // namespace

BatchParts BatchParts::of(std::string_view text) {
  // Not string_view::find, which stops at each of the many quotes.
  const void* opening = ::memmem(text.data(), text.size(), kOpening.data(), kOpening.size());
  if (opening == nullptr || !text.ends_with(kClosing)) return {};
  const auto first =
      static_cast<std::size_t>(static_cast<const char*>(opening) - text.data()) + kOpening.size();
  const std::size_t last = text.size() - kClosing.size();
  if (first >= last) return {};
  return {text.substr(0, first), text.substr(first, last - first)};
}

std::shared_ptr<const BatchShape> BatchShape::of(std::string_view metrics, std::span<const double> values,
                                                 const Hash128& sequence) {
  auto shape = std::make_shared<BatchShape>();
  shape->sequence_ = sequence;
  const char* at = metrics.data();
  const char* end = at + metrics.size();
  for (const double expected : values) {
    const char* number = find_number(at, end);
    double value = 0;
    const char* after = take_number(number, end, value);
    if (after == nullptr || std::bit_cast<std::uint64_t>(value) != std::bit_cast<std::uint64_t>(expected))
      return nullptr;
    shape->fixed_.append(at, number);
    shape->lengths_.push_back(static_cast<std::uint32_t>(number - at));
    at = after;
  }
  if (find_number(at, end) != end) return nullptr;
  shape->fixed_.append(at, end);
  shape->lengths_.push_back(static_cast<std::uint32_t>(end - at));
  return shape;
}

bool BatchShape::read(std::string_view metrics, std::vector<double>& values) const {
  const char* at = metrics.data();
  const char* end = at + metrics.size();
  const char* fixed = fixed_.data();
  values.resize(lengths_.size() - 1);
  for (std::size_t i = 0;; ++i) {
    const std::size_t length = lengths_[i];
    if (static_cast<std::size_t>(end - at) < length || std::memcmp(at, fixed, length) != 0) return false;
    at += length;
    fixed += length;
    if (i == values.size()) return at == end;
    at = take_number(at, end, values[i]);
    if (at == nullptr) return false;
  }
}

BatchShapes::BatchShapes() : hosts_(kHosts), shapes_(kBytes) {}

std::shared_ptr<const BatchShape> BatchShapes::find(const std::string& hostname) {
  const std::lock_guard lock(mutex_);
  const Habit* habit = hosts_.find(hostname);
  if (habit == nullptr || habit->shape == Hash128{}) return nullptr;
  const auto* shape = shapes_.find(habit->shape);
  return shape == nullptr ? nullptr : *shape;
}

void BatchShapes::note(const std::string& hostname, const BatchParts& parts, std::span<const double> values,
                       const Hash128& sequence) {
  Habit habit;
  {
    const std::lock_guard lock(mutex_);
    if (const Habit* known = hosts_.find(hostname)) habit = *known;
    if (habit.sequence != sequence) {
      habit.sequence = sequence;
      hosts_.put(hostname, habit);
      return;
    }
  }
  const std::shared_ptr<const BatchShape> shape = BatchShape::of(parts.metrics, values, sequence);
  if (shape == nullptr) return;
  habit.shape = hash_(shape->fixed());
  const std::lock_guard lock(mutex_);
  hosts_.put(hostname, habit);
  if (shapes_.find(habit.shape) == nullptr)
    shapes_.put(habit.shape, shape, shape->fixed().size() + values.size() * sizeof(std::uint32_t));
}

}  // namespace sysmon
