// Scan: the records of the spool's segments, one segment after another -> what still has to be sent and declared.
//
// A segment that the disk does not give may be scanned later, out of its order. What is missing from a stream may lie
// in it: nothing is declared lost before all of them were scanned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "core/spool/cursor.hpp"
#include "core/spool/record.hpp"
#include "core/spool/recovered.hpp"
#include "core/spool/segment_log.hpp"

namespace sysmon {

class Scan {
 public:
  explicit Scan(const CursorPosition& from);

  void segment(std::uint64_t number, std::string_view bytes, bool is_last);

  // What was found since the last call. With `is_all` numbers that are missing are among the drops.
  [[nodiscard]] Recovered take_found(bool is_all);

 private:
  void take(const RecordPlace& place, const Record& record);
  void take_drop(const FoundDrop& later);
  void declare_torn(std::string_view tail);
  void declare_gap(const Drop& gap);
  void leave_out_given();
  void note_given();
  // Some drop of an earlier call says it.
  [[nodiscard]] bool was_said(const Drop& drop) const;

  const CursorPosition from_;
  struct Seen {
    std::uint64_t last = 0;  // seq
    RecordPlace first;       // the first of its batches; before everything where the cursor names it
  };
  std::map<Id128, Seen> seen_;
  std::vector<FoundDrop> settled_;  // every drop, and what is resealed; before where what it settles lies
  std::size_t settled_before_ = 0;  // so many of them are of earlier calls
  std::vector<Drop> gaps_;
  std::vector<Drop> unknown_;  // below what came first, where no cursor says what was settled
  std::map<Id128, std::vector<SeqRange>>
      given_;  // batches of earlier calls, where there are to be more calls
  Recovered found_;
};

}  // namespace sysmon
