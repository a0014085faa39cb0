// Splitmix: the whole of a simulated history comes from one seed. https://prng.di.unimi.it/splitmix64.c
#pragma once

#include <cstdint>

namespace sysmon::test {

class Splitmix {
 public:
  explicit Splitmix(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }  // REQUIRES: limit > 0
  std::int64_t between(std::int64_t least, std::int64_t most) {        // both included
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  bool one_in(std::uint64_t chances) { return below(chances) == 0; }
  // A generator of its own, so that what one part draws shifts nothing in another.
  Splitmix fork() { return Splitmix(next()); }

 private:
  std::uint64_t state_;
};

}  // namespace sysmon::test
