#pragma once

#include "runtime/base/result.hpp"
#include "runtime/data/schema.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace arrow {
struct ArrayData;
}

namespace troupe {

/// True where two dictionaries are the same memory: comparing their values would cost what knowing
/// them to be equal is to save.
bool same_buffers(const arrow::ArrayData& a, const arrow::ArrayData& b);

/// Half a word of a key: may look into the 64-bit words that a table compares.
using KeySlot [[gnu::may_alias]] = std::uint32_t;

/// One column of a key on its way into machine words and back. Takes `slots()` 32-bit slots of the
/// key's words, all zero before, and, where it cannot say null by itself, one bit.
class KeyColumn {
 public:
  static Result<std::unique_ptr<KeyColumn>> make(const std::shared_ptr<arrow::DataType>& type);
  virtual ~KeyColumn() = default;

  virtual int slots() const = 0;

  /// The column of the next batch: later calls are about it.
  virtual Result<> bind(const std::shared_ptr<arrow::Array>& column) = 0;
  /// True where a row of the bound column needs its null bit.
  virtual bool uses_null_bit() const { return false; }
  /// Writes row `first + i` to `keys[i * stride]`, and its null as `null_bit` of `nulls[i *
  /// stride]`. Keys without nulls have a `null_bit` of 0.
  virtual void encode(std::int64_t first, std::int64_t rows, KeySlot* keys, KeySlot* nulls,
                      std::uint32_t null_bit, std::size_t stride) = 0;

  /// How many codes rows of the bound column can have, null included; 0 where it is no dictionary.
  virtual std::uint32_t code_count() const { return 0; }
  /// True where the codes mean what they meant for the column that was bound before.
  virtual bool same_codes() const { return false; }
  /// cells[i] = cells[i] * code_count() + the code of row i.
  virtual void add_codes(std::int64_t /*rows*/, std::uint32_t* /*cells*/) {}

  /// The column of those keys.
  virtual Result<std::shared_ptr<arrow::Array>> decode(
      const KeySlot* keys, const KeySlot* nulls, std::uint32_t null_bit, std::size_t stride,
      std::span<const std::uint32_t> ids) const = 0;
  virtual std::int64_t bytes() const { return 0; }
};

}  // namespace troupe
