#include "runtime/formats/text_column.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/formats/page_values.hpp"
#include "runtime/formats/parquet_pages.hpp"
#include "runtime/formats/pending_column.hpp"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>

#include <map>

namespace troupe {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using Chosen = std::span<const std::uint32_t>;
using parquet::ByteArray;

constexpr std::int64_t index_bytes = sizeof(std::int32_t);

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::string_view text_of(const ByteArray& value) {
  return {reinterpret_cast<const char*>(value.ptr), value.len};
}

class TextColumn final : public ParquetColumn {
 public:
  TextColumn(const parquet::ColumnDescriptor& column, ColumnChunk chunk, arrow::MemoryPool* memory)
      : pages_(column, std::move(chunk), memory) {}

  // Every row
  // --------------------------------------------------------------------------------------

  ArrayPtr read(std::int64_t rows) override {
    if (next_ == held_rows_) pages_.rows_left();
    return next_ == held_rows_ && pages_.by_index() ? read_indices(rows) : read_plain(rows);
  }

  bool ended() const override { return next_ == held_rows_ && pages_.page_ended(); }

  // Chosen rows
  // ------------------------------------------------------------------------------------

  std::int64_t page_rows() override { return looked_ ? held_rows_ : pages_.rows_left(); }

  /// Rows of a page of indices and of a plain one are not added to one array. Whether texts become
  /// too many bytes is told before any is copied, by the longest there is, or by all of the page.
  std::int64_t fitting(std::int64_t rows) override {
    rows = std::min(rows, page_rows());
    const bool by_index = looked_ ? held_by_index_ : pages_.by_index();
    if (out_rows_ > 0 && by_index != out_by_index_) return 0;
    if (by_index) {
      const std::int64_t most = column_bytes_max / std::max<std::int64_t>(1, longest_word());
      return std::clamp<std::int64_t>(most - out_rows_, out_rows_ > 0 ? 0 : 1, rows);
    }
    if (pages_.page_bytes() + plain_.value_data_length() <= column_bytes_max) return rows;
    return out_rows_ > 0 ? 0 : 1;
  }

  void look(std::int64_t rows, const ValueTest& test, std::uint8_t* keep) override {
    if (!looked_) hold(rows);
    looked_ = true;
    for (std::int64_t i = 0; i < rows && !valid_.empty(); ++i) keep[i] &= valid_[at(i)];
    if (!held_by_index_) {
      texts_.resize(at(rows));
      for (std::int64_t i = 0; i < rows; ++i) {
        texts_[at(i)] = keep[i] ? text_of(values_[at(i)]) : std::string_view();
      }
      return test.narrow(texts_, keep);
    }
    const std::uint8_t* needed = needed_words(test).data();
    for (std::int64_t i = 0; i < rows; ++i) keep[i] = keep[i] ? needed[indices_[at(i)]] : 0;
  }

  void add(std::int64_t rows, Chosen chosen) override {
    if (!looked_ && chosen.empty()) return skip(rows);
    if (!looked_) hold(rows);
    ENSURE(rows == held_rows_, "{} rows are held, and {} are added", held_rows_, rows);
    looked_ = false;
    next_ = held_rows_ = 0;
    if (chosen.empty()) return;
    add_validity(out_valid_, out_rows_, chosen.size(), !valid_.empty(),
                 [&](std::size_t i) { return valid_[chosen[i]]; });
    out_by_index_ = held_by_index_;
    held_by_index_ ? put_indices(chosen, rows) : put_texts(chosen);
    out_rows_ += static_cast<std::int64_t>(chosen.size());
  }

  ArrayPtr finish() override {
    const std::int64_t rows = std::exchange(out_rows_, 0);
    const Validity valid = std::exchange(out_valid_, Validity());
    if (out_by_index_) return coded(rows, valid, out_.finish());
    return must(plain_.Finish());
  }

 private:
  ArrayPtr coded(std::int64_t rows, const Validity& valid, std::shared_ptr<arrow::Buffer> indices) {
    static const auto type = arrow::dictionary(arrow::int32(), arrow::utf8());
    auto data = arrow::ArrayData::Make(type, rows, {bitmap_of(valid), std::move(indices)});
    data->dictionary = words()->data();
    return arrow::MakeArray(data);
  }

  /// Up to `rows` rows from pages of indices.
  ArrayPtr read_indices(std::int64_t rows) {
    auto buffer = must(arrow::AllocateResizableBuffer(rows * index_bytes));
    auto* values = reinterpret_cast<std::int32_t*>(buffer->mutable_data());
    Validity valid;
    std::int64_t done = 0;
    while (done < rows) {
      const std::int64_t part = std::min(rows - done, pages_.rows_left());
      if (!pages_.by_index()) break;
      const std::int64_t count = pages_.take(part, valid, at(done));
      pages_.indices(count, values + done);
      if (count < part) spread(values + done, valid.data() + done, part, count);
      done += part;
    }
    must(buffer->Resize(done * index_bytes, false));
    return coded(done, valid, std::move(buffer));
  }

  /// Up to `rows` rows of plain pages, as long as they are few bytes.
  ArrayPtr read_plain(std::int64_t rows) {
    must(plain_.Reserve(rows));
    while (plain_.length() < rows) {
      if (next_ == held_rows_) {
        const std::int64_t left = pages_.rows_left();
        if (pages_.by_index()) break;
        hold(std::min(rows - plain_.length(), left));
      }
      if (!append_some(rows)) break;
    }
    return must(plain_.Finish());
  }

  /// False where the next one would make it too many bytes.
  bool append_some(std::int64_t rows) {
    for (; next_ < held_rows_ && plain_.length() < rows; ++next_) {
      const std::int64_t bytes = valid_at(next_) ? values_[at(next_)].len : 0;
      if (plain_.length() > 0 && plain_.value_data_length() + bytes > column_bytes_max) {
        return false;
      }
      append(next_);
    }
    return true;
  }

  bool valid_at(std::int64_t row) const { return valid_.empty() || valid_[at(row)]; }

  void append(std::int64_t row) {
    if (!valid_at(row)) return must(plain_.AppendNull());
    const ByteArray& value = values_[at(row)];
    must(plain_.Append(value.ptr, static_cast<std::int32_t>(value.len)));
  }

  /// The next rows of the page, as they lie in it.
  void hold(std::int64_t rows) {
    held_by_index_ = pages_.by_index();
    pages_.decode(rows, valid_, indices_, values_);
    next_ = 0;
    held_rows_ = rows;
  }

  void skip(std::int64_t rows) {
    for (; rows > 0;) {
      const std::int64_t part = std::min(rows, pages_.rows_left());
      pages_.skip(part);
      rows -= part;
    }
  }

  void put_indices(Chosen chosen, std::int64_t rows) {
    const auto count = static_cast<std::int64_t>(chosen.size());
    auto* out = reinterpret_cast<std::int32_t*>(out_.add(count, rows));
    for (std::size_t i = 0; i < chosen.size(); ++i) out[i] = indices_[chosen[i]];
  }

  void put_texts(Chosen chosen) {
    must(plain_.Reserve(static_cast<std::int64_t>(chosen.size())));
    for (const std::uint32_t row : chosen) append(row);
  }

  /// The dictionary as one array, which all batches of the row group share.
  const ArrayPtr& words() {
    if (words_ == nullptr) {
      arrow::StringBuilder builder;
      must(builder.Reserve(static_cast<std::int64_t>(pages_.dictionary().size())));
      for (const ByteArray& word : pages_.dictionary()) {
        must(builder.Append(word.ptr, static_cast<std::int32_t>(word.len)));
      }
      words_ = must(builder.Finish());
    }
    return words_;
  }

  std::int64_t longest_word() {
    if (longest_ < 0) {
      longest_ = 0;
      for (const ByteArray& word : pages_.dictionary()) {
        longest_ = std::max<std::int64_t>(longest_, word.len);
      }
    }
    return longest_;
  }

  /// A byte a word: whether rows with it are needed; one more, for nulls where there is no word.
  const std::vector<std::uint8_t>& needed_words(const ValueTest& test) {
    std::vector<std::uint8_t>& needed = needed_[&test];
    if (needed.empty()) {
      std::vector<std::string_view> texts;
      for (const ByteArray& word : pages_.dictionary()) texts.push_back(text_of(word));
      needed.assign(texts.size() + 1, 1);
      test.narrow(texts, needed.data());
    }
    return needed;
  }

  ParquetPages<parquet::ByteArrayType> pages_;
  ArrayPtr words_;
  std::int64_t longest_ = -1;  ///< word; -1: not yet known
  std::map<const ValueTest*, std::vector<std::uint8_t>> needed_;
  /// Rows of the page that are decoded: those from `next_` on have not been given.
  bool held_by_index_ = false;
  bool looked_ = false;
  std::vector<ByteArray> values_;
  std::vector<std::int32_t> indices_;
  std::vector<std::string_view> texts_;
  Validity valid_;
  std::int64_t held_rows_ = 0;
  std::int64_t next_ = 0;
  /// What has been added: indices, or texts.
  bool out_by_index_ = false;
  std::int64_t out_rows_ = 0;
  ChosenValues out_{index_bytes};
  Validity out_valid_;
  arrow::StringBuilder plain_;
};

}  // namespace

std::unique_ptr<ParquetColumn> open_text_column(const parquet::ColumnDescriptor& column,
                                                ColumnChunk chunk, arrow::MemoryPool* memory) {
  return std::make_unique<TextColumn>(column, std::move(chunk), memory);
}

}  // namespace troupe
