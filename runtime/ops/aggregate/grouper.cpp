#include "runtime/ops/aggregate/grouper.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/ops/aggregate/key_column.hpp"

#include <arrow/array.h>
#include <arrow/type.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr std::uint32_t no_group = 0xFFFFFFFFu;
/// The largest array of groups by dictionary codes: 1 MiB, a common L2 cache.
constexpr std::uint64_t cells_max = 1 << 18;
/// Keys are made and looked up in pieces that stay in the L1 cache.
constexpr std::int64_t rows_encoded_at_once = 512;
/// A null bit a column in one slot.
constexpr std::size_t columns_max = 32;

}  // namespace

Result<Grouper> Grouper::make(const std::vector<std::shared_ptr<arrow::DataType>>& types) {
  if (types.size() > columns_max) {
    return make_error(ErrorCode::unsupported, "{} columns to group by, at most {} are supported",
                      types.size(), columns_max);
  }
  std::vector<std::unique_ptr<KeyColumn>> columns;
  std::size_t slots = 0;
  for (const auto& type : types) {
    columns.push_back(TRY(KeyColumn::make(type)));
    slots += static_cast<std::size_t>(columns.back()->slots());
  }
  return Grouper(std::move(columns), slots);
}

Grouper::Grouper(std::vector<std::unique_ptr<KeyColumn>> columns, std::size_t slots)
    : columns_(std::move(columns)),
      slots_(slots),
      words_(std::max<std::size_t>(1, (slots + 1) / 2)),
      table_(words_) {}
Grouper::Grouper(Grouper&&) noexcept = default;
Grouper& Grouper::operator=(Grouper&&) noexcept = default;
Grouper::~Grouper() = default;

Result<> Grouper::assign(const std::vector<std::shared_ptr<arrow::Array>>& columns,
                         std::int64_t rows, std::vector<std::uint32_t>& ids) {
  ENSURE(columns.size() == columns_.size(), "{} key columns, made for {}", columns.size(),
         columns_.size());
  ids.resize(rows);
  for (std::size_t c = 0; c < columns.size(); ++c) TRY(columns_[c]->bind(columns[c]));
  if (rows == 0) return {};
  const bool nulls = std::any_of(columns_.begin(), columns_.end(),
                                 [](const auto& column) { return column->uses_null_bit(); });
  if (nulls && slots_a_key() == slots_) make_room_for_nulls();
  if (dense()) {
    assign_dense(rows, ids);
    return {};
  }
  for (std::int64_t first = 0; first < rows; first += rows_encoded_at_once) {
    const std::int64_t count = std::min(rows_encoded_at_once, rows - first);
    encode(first, count);
    table_.find_or_add({encoded_.data(), count * words_}, {ids.data() + first, std::size_t(count)});
  }
  return {};
}

/// The first null has come, and keys have no slot for it: all of them get one word more.
void Grouper::make_room_for_nulls() {
  WordsTable wider(words_ + 1);
  std::vector<std::uint64_t> key(words_ + 1, 0);
  for (std::uint32_t id = 0; id < table_.size(); ++id) {
    std::copy_n(table_.key(id), words_, key.begin());
    wider.find_or_add(key.data());  // in their order, so that each keeps its number
  }
  table_ = std::move(wider);
  ++words_;
}

bool Grouper::dense() {
  std::uint64_t cells = columns_.empty() ? 0 : 1;
  bool same = true;
  for (const auto& column : columns_) {
    cells *= column->code_count();
    same &= column->same_codes();
    if (cells == 0 || cells > cells_max) {
      groups_of_cells_.clear();
      return false;
    }
  }
  if (!same || groups_of_cells_.size() != cells) groups_of_cells_.assign(cells, no_group);
  return cells > 0;
}

void Grouper::assign_dense(std::int64_t rows, std::vector<std::uint32_t>& ids) {
  cells_.assign(rows, 0);
  for (const auto& column : columns_) column->add_codes(rows, cells_.data());
  bool all_known = true;
  for (std::int64_t i = 0; i < rows; ++i) {
    ids[i] = groups_of_cells_[cells_[i]];
    all_known &= ids[i] != no_group;
  }
  if (all_known) return;
  for (std::int64_t i = 0; i < rows; ++i) {
    if (ids[i] != no_group) continue;
    std::uint32_t& group = groups_of_cells_[cells_[i]];
    if (group == no_group) {
      encode(i, 1);
      group = table_.find_or_add(encoded_.data());
    }
    ids[i] = group;
  }
}

void Grouper::encode(std::int64_t first, std::int64_t rows) {
  encoded_.assign(rows * words_, 0);
  auto* key = reinterpret_cast<KeySlot*>(encoded_.data());
  KeySlot* nulls = key + slots_a_key() - 1;
  std::uint32_t null_bit = slots_a_key() > slots_ ? 1 : 0;
  for (const auto& column : columns_) {
    column->encode(first, rows, key, nulls, null_bit, slots_a_key());
    key += column->slots();
    null_bit <<= 1;
  }
}

Result<std::vector<std::shared_ptr<arrow::Array>>> Grouper::keys(
    std::span<const std::uint32_t> ids) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  if (columns_.empty()) return columns;
  static const std::uint64_t no_keys[1] = {0};
  const std::uint64_t* words = table_.size() > 0 ? table_.key(0) : no_keys;
  const auto* key = reinterpret_cast<const KeySlot*>(words);
  const KeySlot* nulls = key + slots_a_key() - 1;
  std::uint32_t null_bit = slots_a_key() > slots_ ? 1 : 0;
  for (const auto& column : columns_) {
    columns.push_back(TRY(column->decode(key, nulls, null_bit, slots_a_key(), ids)));
    key += column->slots();
    null_bit <<= 1;
  }
  return columns;
}

std::int64_t Grouper::bytes() const {
  std::int64_t bytes = table_.bytes() + static_cast<std::int64_t>(groups_of_cells_.size() * 4);
  for (const auto& column : columns_) bytes += column->bytes();
  return bytes;
}

}  // namespace troupe
