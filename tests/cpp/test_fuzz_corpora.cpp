// Every committed input of every fuzz target (tests/fuzz), under whatever sanitizers this program has: an input that
// once crashed stays mended. Searching for new ones is `make fuzz`, which needs clang.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// The targets are found by the build: FUZZ_TARGETS is TARGET(fuzz_chunk) TARGET(fuzz_config) …
#define TARGET(name) extern "C" int name(const std::uint8_t* data, std::size_t size);
FUZZ_TARGETS
#undef TARGET

namespace {

struct FuzzTarget {
  std::string name;
  int (*run)(const std::uint8_t* data, std::size_t size);
};

#define TARGET(name) FuzzTarget{#name, &name},
const std::vector<FuzzTarget> kTargets{FUZZ_TARGETS};
#undef TARGET

}  // namespace

TEST_CASE("the committed inputs of the fuzz targets crash nothing") {
  for (const FuzzTarget& target : kTargets) {
    CAPTURE(target.name);
    const std::filesystem::path folder =
        std::filesystem::path(FUZZ_CORPUS) / target.name.substr(std::string_view("fuzz_").size());
    int inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      CAPTURE(entry.path().string());
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      CHECK(target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) == 0);
      ++inputs;
    }
    CHECK(inputs > 0);
  }
}
