#include "core/store/inflate.hpp"

#include <libdeflate.h>
#include <simdjson.h>

#include <algorithm>
#include <new>

#include "core/store/bytes.hpp"

namespace sysmon {

namespace {

constexpr std::size_t kRatioFree = 64U
                                   << 10U;  // so much may come of anything: short texts compress without end

PushFault bad_gzip() {
  return {400, "bad_gzip",
          "the body is not gzip to its last byte: damaged, cut short, or followed by something else"};
}

PushFault too_dense(std::size_t ratio) {
  return {
      413, "ratio_too_large",
      "the body inflates to more than " + std::to_string(ratio) + " times its size; a real push is near 10"};
}

}  // namespace

char* PaddedBuffer::reserve(std::size_t size) {
  if (size > capacity_ || bytes_ == nullptr) {
    bytes_ = std::make_unique_for_overwrite<char[]>(size + simdjson::SIMDJSON_PADDING);
    capacity_ = size;
  }
  return bytes_.get();
}

Inflater::Inflater() : decompressor_(libdeflate_alloc_decompressor()) {
  if (decompressor_ == nullptr) throw std::bad_alloc();
}
Inflater::~Inflater() = default;

void Inflater::Free::operator()(libdeflate_decompressor* decompressor) const {
  libdeflate_free_decompressor(decompressor);
}

std::optional<PushFault> Inflater::next(std::string_view& body, std::size_t& left, std::size_t ratio,
                                        PaddedBuffer& out, std::string_view& text, std::uint32_t& crc32) {
  // All that is left of the body could be this member; it may not come to more than that allows.
  const std::size_t by_ratio = std::max(kRatioFree, body.size() * ratio);
  const std::size_t room = std::min(left, by_ratio);
  char* buffer = out.reserve(room);
  std::size_t taken = 0;
  std::size_t made = 0;
  switch (libdeflate_gzip_decompress_ex(decompressor_.get(), body.data(), body.size(), buffer, room, &taken,
                                        &made)) {
    case LIBDEFLATE_SUCCESS:
      break;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      if (by_ratio < left) return too_dense(ratio);
      return PushFault{413, "inflated_too_large",
                       "the body inflates to more than the limit; send fewer batches at once"};
    default:
      return bad_gzip();
  }
  if (made > kRatioFree && made > taken * ratio) return too_dense(ratio);
  constexpr std::size_t kTrailer = 8;  // RFC 1952 2.3.1: CRC32, then ISIZE; libdeflate has compared both
  crc32 = ByteReader(body.substr(taken - kTrailer)).fixed<std::uint32_t>();
  body.remove_prefix(taken);
  left -= made;
  text = {buffer, made};
  return std::nullopt;
}

}  // namespace sysmon
