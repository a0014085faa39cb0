// Columns as JSON text: a page of 250 series is 90,000 numbers, which Python would take half a second for.
#include <charconv>
#include <cmath>

#include "core/store/value_codec.hpp"
#include "sysmon/columns.hpp"

namespace sysmon {

namespace {

// "-9223372036854775.808" and "-1.7976931348623157e+308" fit.
constexpr std::size_t kMostChars = 32;
constexpr std::size_t kUsualChars = 8;

template <class Number>
void put_number(std::string& out, Number number) {
  char text[kMostChars];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  out.append(text, end);
}

// `whole` / 10^decimals, without zeros at the end of its fraction.
void put_decimal(std::string& out, std::int64_t whole, unsigned decimals) {
  const std::uint64_t magnitude =
      whole < 0 ? 0 - static_cast<std::uint64_t>(whole) : static_cast<std::uint64_t>(whole);
  char text[kMostChars];
  char* const digits = text + kNoDecimals;  // zeros fit before it: 5 with two decimals is 0.05
  char* end = std::to_chars(digits, text + sizeof text, magnitude).ptr;
  char* begin = digits;
  while (end - begin <= static_cast<std::ptrdiff_t>(decimals)) *--begin = '0';
  if (whole < 0) out.push_back('-');
  char* const point = end - decimals;
  while (end > point && end[-1] == '0') --end;
  out.append(begin, point);
  if (end == point) return;
  out.push_back('.');
  out.append(point, end);
}

// Writes doubles, each in the fewest digits that give it back. What a series has are mostly fractions of as many
// decimals, and to try that first takes a third of the time of the general way.
class ValueWriter {
 public:
  void put(std::string& out, double value) {
    // Of a decimal fraction of at most 15 digits there is no shorter text: each is a double of its own.
    if (std::abs(value) < kFifteenDigits && try_decimals(value)) {
      put_decimal(out, whole_, decimals_);
    } else {
      put_number(out, value);
    }
  }

 private:
  static constexpr double kFifteenDigits = 1e9;  // with six decimals

  bool try_decimals(double value) {
    if (is_decimal(value, decimals_, whole_)) return true;
    for (unsigned decimals = decimals_ + 1; decimals < kNoDecimals; ++decimals) {
      if (!is_decimal(value, decimals, whole_)) continue;
      decimals_ = decimals;
      return true;
    }
    return false;
  }

  unsigned decimals_ = 0;
  std::int64_t whole_ = 0;
};

// Seconds with as many of three decimals as it takes: 1738858800, 1738858800.5.
void put_seconds(std::string& out, std::int64_t time_ms) { put_decimal(out, time_ms, 3); }

void put_times(std::string& out, const Column::Times& times) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (i != 0) out.push_back(',');
    put_seconds(out, times[i]);
  }
}

void put_values(std::string& out, const Column& column) {
  ValueWriter writer;
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    if (i != 0) out.push_back(',');
    // A sum of the largest doubles may be infinite: JSON has no word for it.
    if (column.present[i] != 0 && std::isfinite(column.values[i])) {
      writer.put(out, column.values[i]);
    } else {
      out.append("null");
    }
  }
}

}  // namespace

std::string Columns::json(std::span<const std::string_view> heads) const {
  std::string out;
  const Column::Times* times = nullptr;  // those whose text lies at [from, from + size) of `out`
  std::size_t from = 0;
  std::size_t size = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    out.append(i == 0 ? "{" : ",{");
    out.append(heads[i]);
    out.append(heads[i].empty() ? "\"times\":[" : ",\"times\":[");
    if (column.times.get() == times) {
      out.append(out, from, size);
    } else {
      times = column.times.get();
      from = out.size();
      put_times(out, *times);
      size = out.size() - from;
      out.reserve(out.size() + (columns_.size() - i) * (size + column.values.size() * kUsualChars));
    }
    out.append("],\"values\":[");
    put_values(out, column);
    out.append("]}");
  }
  return out;
}

}  // namespace sysmon
