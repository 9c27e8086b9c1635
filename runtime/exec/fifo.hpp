#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace troupe {

/// A queue that costs three words while it is empty, and nothing on the heap: a wide exchange has a
/// million of them, and `std::deque` holds 576 bytes each before the first item comes.
template <class T>
class Fifo {
 public:
  bool empty() const { return first_ == items_.size(); }
  std::size_t size() const { return items_.size() - first_; }
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }

  void push_back(T item) { items_.push_back(std::move(item)); }
  void pop_front() {
    items_[first_++] = T();
    if (empty()) {
      clear();
    } else if (first_ * 2 >= items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }
  /// What it held is given back, its place included.
  void clear() {
    items_ = {};
    first_ = 0;
  }
  void swap(Fifo& other) noexcept {
    items_.swap(other.items_);
    std::swap(first_, other.first_);
  }

 private:
  std::vector<T> items_;
  std::size_t first_ = 0;  ///< of `items_`: those before it are gone
};

}  // namespace troupe
