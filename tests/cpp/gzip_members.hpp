// The gzip members of a push: one batch each.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sysmon::test {

class GzipMembers {
 public:
  struct Member {
    std::string_view packed;  // points into the body
    std::string text;
  };

  GzipMembers() { inflateInit2(&stream_, 15 + 16); }
  ~GzipMembers() { inflateEnd(&stream_); }
  GzipMembers(const GzipMembers&) = delete;
  GzipMembers& operator=(const GzipMembers&) = delete;

  // False: it is not a row of whole members and nothing else, each of at most 1 MiB of text.
  bool split(std::string_view body) {
    count_ = 0;
    while (!body.empty()) {
      if (members_.size() == count_) members_.emplace_back();
      Member& member = members_[count_];
      if (buffer_.empty()) buffer_.resize(1U << 20U);
      inflateReset(&stream_);
      // zlib's interface has no const; it only reads.
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
      stream_.avail_in = static_cast<uInt>(body.size());
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      if (inflate(&stream_, Z_FINISH) != Z_STREAM_END) return false;
      member.text.assign(buffer_, 0, buffer_.size() - stream_.avail_out);
      member.packed = body.substr(0, body.size() - stream_.avail_in);
      body.remove_prefix(member.packed.size());
      ++count_;
    }
    return true;
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] const Member& operator[](std::size_t i) const { return members_[i]; }

 private:
  z_stream stream_{};
  std::string buffer_;
  std::vector<Member> members_;  // buffers are kept: only the first `count_` are meant
  std::size_t count_ = 0;
};

}  // namespace sysmon::test
