// Columns as JSON text: a page of 250 series is 90,000 numbers, which Python would take half a second for.
#include <charconv>
#include <cmath>

#include "sysmon/columns.hpp"

namespace sysmon {

namespace {

// "-9223372036854775.808" and "-1.7976931348623157e+308" fit.
constexpr std::size_t kMostChars = 32;

template <class Number>
void put_number(std::string& out, Number number) {
  char text[kMostChars];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  out.append(text, end);
}

// Seconds with as many of three decimals as it takes: 1738858800, 1738858800.5.
void put_seconds(std::string& out, std::int64_t time_ms) {
  if (time_ms < 0) out.push_back('-');
  const std::uint64_t ms =
      time_ms < 0 ? 0 - static_cast<std::uint64_t>(time_ms) : static_cast<std::uint64_t>(time_ms);
  put_number(out, ms / 1000);
  const auto fraction = static_cast<unsigned>(ms % 1000);
  if (fraction == 0) return;
  out.push_back('.');
  out.push_back(static_cast<char>('0' + fraction / 100));
  out.push_back(static_cast<char>('0' + fraction / 10 % 10));
  out.push_back(static_cast<char>('0' + fraction % 10));
  while (out.back() == '0') out.pop_back();
}

void put_column(std::string& out, std::string_view head, const Column& column) {
  out.push_back('{');
  out.append(head);
  if (!head.empty()) out.push_back(',');
  out.append("\"times\":[");
  for (std::size_t i = 0; i < column.times->size(); ++i) {
    if (i != 0) out.push_back(',');
    put_seconds(out, (*column.times)[i]);
  }
  out.append("],\"values\":[");
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    if (i != 0) out.push_back(',');
    // A sum of the largest doubles may be infinite: JSON has no word for it.
    if (column.present[i] != 0 && std::isfinite(column.values[i])) {
      put_number(out, column.values[i]);
    } else {
      out.append("null");
    }
  }
  out.append("]}");
}

}  // namespace

std::string Columns::json(std::span<const std::string_view> heads) const {
  std::string out;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (i != 0) out.push_back(',');
    put_column(out, heads[i], columns_[i]);
  }
  return out;
}

}  // namespace sysmon
