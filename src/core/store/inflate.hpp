// Inflates the gzip members of a body one after the other, under a bound on what comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "sysmon/push_decoder.hpp"

struct libdeflate_decompressor;

namespace sysmon {

// A buffer that may be read past its end by what simdjson needs; its pages are not touched before they are
// written.
class PaddedBuffer {
 public:
  // At least `size` bytes; what was in it is lost.
  char* reserve(std::size_t size);
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
};

class Inflater {
 public:
  Inflater();
  ~Inflater();

  // Takes the first member off `body` and inflates it into `out`; `left` is what may still come out of this
  // request, and shrinks. On success `text` is the content, valid until `out` is used again, and `crc32` what
  // the member's trailer says of it.
  std::optional<PushFault> next(std::string_view& body, std::size_t& left, std::size_t ratio,
                                PaddedBuffer& out, std::string_view& text, std::uint32_t& crc32);

 private:
  struct Free {
    void operator()(libdeflate_decompressor* decompressor) const;
  };
  std::unique_ptr<libdeflate_decompressor, Free> decompressor_;
};

}  // namespace sysmon
