// RingBuffer<T>: the bounded lock-free queue between one producer and one consumer thread.
//
// Slots are made once and reused: the producer writes into a slot in place (try_claim, publish), so a T that holds
// buffers keeps their capacity and nothing is allocated after the first round. Full means the newest is refused and
// counted; the producer never waits.
//
// Threads: exactly one thread calls the producer's members, exactly one the consumer's. size, dropped and capacity
// may be read by anybody.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace sysmon {

template <class T>
class RingBuffer {
 public:
  // Room for at least `capacity` items, rounded up to a power of two so that the slot is a mask away.
  explicit RingBuffer(std::size_t capacity) : slots_(std::bit_ceil(capacity < 2 ? 2 : capacity)) {}
  RingBuffer(const RingBuffer&) = delete;
  RingBuffer& operator=(const RingBuffer&) = delete;

  // ---- producer ----

  // The next free slot, holding whatever it held a round ago; nullptr (and one more dropped) when full.
  // Nothing is visible to the consumer before publish; claiming again without publish gives the same slot.
  [[nodiscard]] T* try_claim() {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);  // only this thread writes it
    if (tail - head_seen_ == slots_.size()) {
      // acquire: pairs with pop's release, so the consumer is done with the slot we are about to reuse.
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ == slots_.size()) {
        // relaxed: a statistic; only this thread writes it.
        dropped_.store(dropped_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        return nullptr;
      }
    }
    return &slots_[tail & (slots_.size() - 1)];
  }

  // Makes the claimed slot visible. REQUIRES: the last try_claim returned a slot.
  void publish() {
    // release: what was written to the slot happens before the consumer's acquire of this index.
    tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Moves `item` in; false, with `item` untouched, when full.
  [[nodiscard]] bool try_push(T&& item) {
    T* slot = try_claim();
    if (slot == nullptr) return false;
    *slot = std::move(item);
    publish();
    return true;
  }
  [[nodiscard]] bool try_push(const T& item) {
    T* slot = try_claim();
    if (slot == nullptr) return false;
    *slot = item;
    publish();
    return true;
  }

  // ---- consumer ----

  // The oldest item, to be read in place; nullptr when empty. Valid until pop.
  [[nodiscard]] T* front() {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);  // only this thread writes it
    if (head == tail_seen_) {
      // acquire: pairs with publish's release, so the slot's content is visible.
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return nullptr;
    }
    return &slots_[head & (slots_.size() - 1)];
  }

  // Gives the slot of front() back to the producer. REQUIRES: the last front returned an item.
  void pop() {
    // release: our reads of the slot happen before the producer's acquire of this index.
    head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // Moves the oldest item out; false when empty.
  [[nodiscard]] bool try_pop(T& item) {
    T* slot = front();
    if (slot == nullptr) return false;
    item = std::move(*slot);
    pop();
    return true;
  }

  // Hands every item present to `take(T&)`, oldest first, and returns how many there were.
  template <class Take>
  std::size_t drain(Take&& take) {
    std::size_t count = 0;
    while (T* slot = front()) {
      take(*slot);
      pop();
      ++count;
    }
    return count;
  }

  // ---- anybody ----

  [[nodiscard]] std::size_t capacity() const { return slots_.size(); }
  // A snapshot: exact for the thread that owns the index it depends on, a moment old for others.
  [[nodiscard]] std::size_t size() const {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    const std::uint64_t tail = tail_.load(std::memory_order_acquire);
    return tail > head ? static_cast<std::size_t>(tail - head) : 0;
  }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  // Two lines, not one: adjacent-line prefetch makes neighbours share in practice.
  static constexpr std::size_t kNoSharing = 128;

  std::vector<T> slots_;
  alignas(kNoSharing) std::atomic<std::uint64_t> tail_{0};  // producer -> consumer: items published
  std::uint64_t head_seen_ = 0;                             // producer's last reading of head_
  std::atomic<std::uint64_t> dropped_{0};                   // producer -> anybody
  alignas(kNoSharing) std::atomic<std::uint64_t> head_{0};  // consumer -> producer: items popped
  std::uint64_t tail_seen_ = 0;                             // consumer's last reading of tail_
};

}  // namespace sysmon
