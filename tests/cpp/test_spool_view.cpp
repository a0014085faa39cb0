#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/spool/cursor.hpp"
#include "core/spool/quarantine.hpp"
#include "crash_files.hpp"
#include "sysmon/spool.hpp"
#include "sysmon/spool_view.hpp"
#include "virtual_clock.hpp"

using namespace sysmon;
using namespace sysmon::test;

namespace {

const std::string kStream(32, 'a');

struct Box {
  explicit Box(SpoolOptions options = {}) { spool.emplace(files, clock, std::move(options), Log()); }
  void add(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t seq = first; seq <= last; ++seq)
      spool->append(kStream, seq, 3, std::string(400, 'x'), seq % 2 == 0);
  }
  void acknowledge(std::size_t count) {
    std::vector<SpooledBatch> oldest;
    while (count-- > 0) {
      spool->bundle(spool->oldest().id, {}, oldest);
      spool->acknowledge(oldest);
    }
  }

  VirtualClock clock;
  CrashFiles files;
  std::optional<Spool> spool;
};

std::vector<std::uint64_t> seqs_of(const std::vector<SpoolView::Batch>& batches) {
  std::vector<std::uint64_t> seqs;
  for (const SpoolView::Batch& batch : batches) seqs.push_back(batch.seq);
  return seqs;
}

}  // namespace

TEST_CASE("a view has what waits, what was given up and what was refused, each once") {
  Box box({.max_bytes = 64U << 10U});
  box.add(1, 200);
  const std::uint64_t oldest = box.spool->oldest().seq;
  CHECK(box.spool->quarantine(box.spool->oldest().id));
  box.acknowledge(2);
  const SpoolView view = view_spool(box.files);
  REQUIRE(view.cursor);
  CHECK(view.waiting.size() == box.spool->size());
  CHECK(view.waiting.front().seq == oldest + 3);
  CHECK(view.waiting.front().samples == 3);
  CHECK(view.waiting.front().bytes == 400);
  CHECK(view.waiting.front().sealed_ms == box.clock.wall_ms());
  CHECK(view.waiting.front().is_gzip == ((oldest + 3) % 2 == 0));
  CHECK(seqs_of(view.quarantined) == std::vector<std::uint64_t>{oldest});
  REQUIRE(view.dropped.size() == 2);
  CHECK(view.dropped[0].reason == LossReason::spool_full);
  CHECK(view.dropped[0].range == SeqRange{1, oldest - 1});
  CHECK(view.dropped[1].reason == LossReason::quarantined);
  CHECK(view.damage.empty());
  CHECK(!view.unfinished);

  const auto ranges = ranges_of(view);
  REQUIRE(ranges.size() == 4);
  CHECK(ranges[0].fate == "waiting");
  CHECK(ranges[0].seqs == SeqRange{oldest + 3, 200});
  CHECK(ranges[0].bytes == 400 * ranges[0].batches);
  CHECK(ranges[1].reason == "spool_full");
  CHECK(ranges[1].batches == oldest - 1);
  CHECK(ranges[3].fate == "quarantined");
}

TEST_CASE("what cannot be read is damage, and the rest is there all the same") {
  Box box({.max_bytes = 1U << 20U});
  box.add(1, 600);
  const auto names = box.files.segments();
  REQUIRE(names.size() > 2);
  box.files.put(kCursorFile, "no cursor");
  box.files.put(kQuarantineFile, "no record");
  int opened = 0;
  // The second segment, at each of three attempts.
  box.files.fault = [&](std::string_view call) {
    return call == "open" && ++opened >= 2 && opened <= 4 ? EIO : 0;
  };
  const SpoolView view = view_spool(box.files);
  CHECK(!view.cursor);
  CHECK(view.waiting.size() < 600);
  REQUIRE(view.damage.size() == 3);
  CHECK(view.damage[0].file == names[1]);
  CHECK(view.damage[0].bytes == 0);
  CHECK(view.damage[1].file == kCursorFile);
  CHECK(view.damage[2].file == kQuarantineFile);
  CHECK(view.damage[2].bytes == 9);
  CHECK(view.dropped.empty());  // what is missing may lie there
  box.files.fault = [](std::string_view call) { return call == "open" ? EIO : 0; };
  CHECK(view_spool(box.files).damage.back().file == kQuarantineFile);
  CHECK(view_spool(box.files).damage.back().bytes == 0);
}

TEST_CASE("an agent that delivers while somebody looks is not taken for damage") {
  Box box({.max_bytes = 1U << 20U});
  box.add(1, 600);
  // Between the reading of the cursor and that of the segments, for a while each time.
  int listed = 0;
  box.files.fault = [&](std::string_view call) {
    if (call == "list" && ++listed <= 3) box.acknowledge(150);
    return 0;
  };
  const SpoolView view = view_spool(box.files);
  CHECK(listed == 4);
  CHECK(view.damage.empty());
  CHECK(view.dropped.empty());
  CHECK(view.waiting.size() == 150);
  CHECK(view.waiting.front().seq == 451);
}

TEST_CASE("a segment that goes away while somebody looks is none") {
  Box box({.max_bytes = 1U << 20U});
  box.add(1, 600);
  const std::string first = box.files.segments().front();
  int opened = 0;
  box.files.fault = [&](std::string_view call) { return call == "open" && ++opened == 1 ? ENOENT : 0; };
  const SpoolView view = view_spool(box.files);
  CHECK(view.damage.empty());
  CHECK(view.segments.front().file != first);
}

TEST_CASE("as JSON a view is one document; what is not there is null") {
  CrashFiles files;
  using nlohmann::json;
  const json empty = json::parse(to_json(view_spool(files)));
  CHECK(empty["cursor"].is_null());
  CHECK(empty["agent_id"].is_null());
  CHECK(empty["unfinished"].is_null());
  CHECK(empty["waiting"] == json::array());

  Box box;
  box.add(1, 2);
  std::string& bytes = box.files.content(box.files.segments().front());
  bytes.resize(bytes.size() - 1);
  SpoolView view = view_spool(box.files);
  view.folder = "/\xff";
  const json document = json::parse(to_json(view));
  CHECK(document["folder"] == "/\xef\xbf\xbd");
  CHECK(document["waiting"].size() == 1);
  CHECK(document["waiting"][0]["timestamp"] == static_cast<double>(box.clock.wall_ms()) / 1000);
  CHECK(document["waiting"][0]["encoding"] == "plain");
  CHECK(document["unfinished"]["offset"] == 480);
  CHECK(document["ranges"][1]["reason"] == "corrupt");
  CHECK(!document["ranges"][1].contains("since"));
}
