#pragma once

#include "runtime/data/memory_budget.hpp"

#include <cstdint>

namespace troupe {

/// The part of its run's memory budget that one operator holds; given back by the destructor.
class Reservation {
 public:
  explicit Reservation(MemoryBudget* budget = nullptr) : budget_(budget) {}
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  ~Reservation() { release(); }

  void attach(MemoryBudget* budget) { budget_ = budget; }
  /// False if the budget refuses: nothing is taken then.
  bool grow(std::int64_t bytes) {
    if (budget_ != nullptr && !budget_->reserve(bytes)) return false;
    bytes_ += bytes;
    return true;
  }
  void shrink(std::int64_t bytes) {
    if (budget_ != nullptr) budget_->give_back(bytes);
    bytes_ -= bytes;
  }
  void release() {
    if (budget_ != nullptr) budget_->give_back(bytes_);
    bytes_ = 0;
  }
  std::int64_t bytes() const { return bytes_; }

 private:
  MemoryBudget* budget_;
  std::int64_t bytes_ = 0;
};

}  // namespace troupe
