#include "runtime/formats/claim_limit.hpp"

#include <arrow/memory_pool.h>
#include <arrow/status.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <string>

namespace troupe {
namespace {

/// Passes everything on; keeps nothing, so that all readers may share it.
class LimitedPool final : public arrow::MemoryPool {
 public:
  explicit LimitedPool(std::int64_t limit) : limit_(limit) {}

  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;

  arrow::Status Allocate(std::int64_t size, std::int64_t alignment, std::uint8_t** out) override {
    ARROW_RETURN_NOT_OK(check(size));
    return pool_->Allocate(size, alignment, out);
  }
  arrow::Status Reallocate(std::int64_t old_size, std::int64_t new_size, std::int64_t alignment,
                           std::uint8_t** ptr) override {
    ARROW_RETURN_NOT_OK(check(new_size));
    return pool_->Reallocate(old_size, new_size, alignment, ptr);
  }
  void Free(std::uint8_t* buffer, std::int64_t size, std::int64_t alignment) override {
    pool_->Free(buffer, size, alignment);
  }
  std::int64_t bytes_allocated() const override { return pool_->bytes_allocated(); }
  std::int64_t total_bytes_allocated() const override { return pool_->total_bytes_allocated(); }
  std::int64_t num_allocations() const override { return pool_->num_allocations(); }
  std::string backend_name() const override { return pool_->backend_name(); }

 private:
  arrow::Status check(std::int64_t size) const {
    if (size <= limit_) return arrow::Status::OK();
    return arrow::Status::Invalid("it claims ", size, " bytes in one piece, more than ",
                                  unpacked_bytes_max,
                                  " for each of its own; if it is sound, compress it otherwise");
  }

  arrow::MemoryPool* const pool_ = arrow::default_memory_pool();
  const std::int64_t limit_;
};

/// One for each power of two: buffers keep a pointer to their pool, and outlive their reader.
arrow::MemoryPool* pool_up_to(std::int64_t limit) {
  static const auto* const pools = [] {
    auto* made = new std::array<std::unique_ptr<LimitedPool>, 63>();
    for (std::size_t i = 0; i < made->size(); ++i) {
      (*made)[i] = std::make_unique<LimitedPool>(std::int64_t{1} << i);
    }
    return made;
  }();
  return pools->at(static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(limit - 1))))
      .get();
}

}  // namespace

arrow::MemoryPool* memory_for_file(std::int64_t file_bytes) {
  constexpr std::int64_t most = std::int64_t{1} << 46;
  const std::int64_t bytes =
      std::clamp<std::int64_t>(file_bytes, 0, most / unpacked_bytes_max) * unpacked_bytes_max;
  return pool_up_to(std::max({bytes, file_bytes, reserved_bytes_min}));
}

}  // namespace troupe
