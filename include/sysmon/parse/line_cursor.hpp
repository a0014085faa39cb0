// LineCursor: walks kernel text field by field without copying; what the every-tick parsers are made of.
//
// A field ends at a blank or at the line's end, and no call passes the line's end but next_line. Any bytes
// may come.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>

namespace sysmon {

class LineCursor {
 public:
  explicit LineCursor(std::string_view text)
      : at_(text.data()), end_(text.data() + text.size()), line_(at_) {}

  [[nodiscard]] bool at_end() const { return at_ == end_; }

  // Goes to the start of the next line.
  void next_line() {
    const void* found = at_ == end_ ? nullptr : std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_));
    at_ = found == nullptr ? end_ : static_cast<const char*>(found) + 1;
    line_ = at_;
  }

  // The whole of the present line, without its end: for messages.
  [[nodiscard]] std::string_view line() const {
    const char* end = line_;
    while (end != end_ && *end != '\n') ++end;
    return {line_, static_cast<std::size_t>(end - line_)};
  }

  // The rest of the text, from here on.
  [[nodiscard]] std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

  // The next field; "" at the end of the line.
  std::string_view word() {
    skip_blanks();
    const char* begin = at_;
    while (at_ != end_ && !is_blank(*at_) && *at_ != '\n') ++at_;
    return {begin, static_cast<std::size_t>(at_ - begin)};
  }

  // The next field up to `separator`, which is passed; "" where the line holds none. For "eth0:123".
  std::string_view word_until(char separator) {
    skip_blanks();
    const char* begin = at_;
    while (at_ != end_ && *at_ != separator && *at_ != '\n') ++at_;
    if (at_ == end_ || *at_ == '\n') return {};
    return {begin, static_cast<std::size_t>(at_++ - begin)};
  }

  // Passes `expected` if it comes next.
  bool skip(std::string_view expected) {
    if (!rest().starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  // The next field as a whole number. False where it is none or does not fit: the cursor then stands
  // somewhere in it.
  bool number(std::uint64_t& value) {
    skip_blanks();
    const char* begin = at_;
    std::uint64_t sum = 0;
    while (at_ != end_) {
      const unsigned digit = static_cast<unsigned char>(*at_) - unsigned{'0'};
      if (digit > 9) break;
      sum = sum * 10 + digit;
      ++at_;
    }
    if (at_ == begin || !at_field_end()) return false;
    if (at_ - begin > 19 && !fits(begin)) return false;  // 19 digits always fit
    value = sum;
    return true;
  }

  // The next field as a decimal number such as 12.34.
  bool decimal(double& value) {
    skip_blanks();
    if (at_ == end_ || *at_ < '0' || *at_ > '9') return false;  // from_chars would take -1, inf and nan
    const auto [end, error] = std::from_chars(at_, end_, value, std::chars_format::fixed);
    if (error != std::errc()) return false;
    at_ = end;
    return at_field_end();
  }

  [[nodiscard]] bool at_line_end() {
    skip_blanks();
    return at_ == end_ || *at_ == '\n';
  }

 private:
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
  [[nodiscard]] bool at_field_end() const { return at_ == end_ || is_blank(*at_) || *at_ == '\n'; }
  void skip_blanks() {
    while (at_ != end_ && is_blank(*at_)) ++at_;
  }
  [[nodiscard]] bool fits(const char* begin) const {
    std::uint64_t value = 0;
    return std::from_chars(begin, at_, value).ec == std::errc();
  }

  const char* at_;
  const char* end_;
  const char* line_;
};

}  // namespace sysmon
