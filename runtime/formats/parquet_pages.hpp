#pragma once

#include "runtime/formats/column_chunk.hpp"
#include "runtime/formats/index_decoder.hpp"
#include "runtime/formats/page_values.hpp"
#include "runtime/formats/snappy_page.hpp"

#include <fmt/format.h>
#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/encoding.h>
#include <parquet/exception.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace troupe {

/// Walks the pages of one flat column chunk: the dictionary, and of each data page its levels and
/// its values, or their indices. A page is not opened (unpacked, its levels read) before something
/// in it is wanted: one whose rows are all skipped costs its header. Throws
/// parquet::ParquetException on damage.
template <class Type>
class ParquetPages {
 public:
  using Value = typename Type::c_type;

  ParquetPages(const parquet::ColumnDescriptor& column, ColumnChunk chunk,
               arrow::MemoryPool* memory)
      : column_(column),
        pages_(std::move(chunk.pages)),
        snappy_(chunk.snappy),
        memory_(memory),
        unpacked_(memory),
        nullable_(column.max_definition_level() > 0) {}

  /// Rows that the current page still holds, at least one; goes to the next page where it must.
  std::int64_t rows_left() {
    while (left_ == 0) next_page();
    return left_;
  }
  /// True where nothing of the current page is left.
  bool page_ended() const { return left_ == 0; }
  /// True where the current page's values are indices into the dictionary.
  bool by_index() const { return by_index_; }
  /// Bytes of the current page as its header tells them; no more are unpacked.
  std::int64_t page_bytes() const { return page_bytes_; }

  /// Entries of the dictionary. Texts lie in the page: `each_dictionary` says when they are new.
  std::span<const Value> dictionary() const { return dictionary_; }
  /// How many dictionaries there have been: 0 or 1.
  int dictionaries() const { return dictionaries_; }

  /// Whether the current page has nulls; opens it.
  bool has_nulls() {
    open();
    return page_has_nulls_;
  }

  /// Takes `rows` rows of the current page: the caller decodes those of their values that are not
  /// null, whose number is returned. Appends to `valid` one byte a row, 0 for null, unless neither
  /// this page nor one before had nulls; before its first there were `valid_before` rows.
  std::int64_t take(std::int64_t rows, Validity& valid, std::size_t valid_before) {
    open();
    left_ -= rows;
    if (!page_has_nulls_) {
      if (!valid.empty()) valid.insert(valid.end(), static_cast<std::size_t>(rows), 1);
      return rows;
    }
    if (valid.empty()) valid.assign(valid_before, 1);
    levels_.resize(static_cast<std::size_t>(rows));
    const int found = level_decoder_.Decode(static_cast<int>(rows), levels_.data());
    if (found != rows) throw parquet::ParquetException("a page holds fewer levels than it says");
    const std::size_t at = valid.size();
    valid.resize(at + levels_.size());
    std::int64_t count = 0;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      valid[at + i] = static_cast<std::uint8_t>(levels_[i]);
      count += levels_[i];
    }
    return count;
  }

  /// The next `count` values of the current page, which is no page of indices.
  void values(std::int64_t count, Value* out) {
    if (decoder_->Decode(out, static_cast<int>(count)) != count) too_few();
  }
  /// The next `count` indices of one that is, all inside of the dictionary.
  void indices(std::int64_t count, std::int32_t* out) {
    if (indices_.read(count, out) != count) too_few();
    check_indices(out, count);
  }
  /// Decodes the next `rows` rows of the current page into their places: into `to_indices` if it is
  /// a page of indices, else into `to_values`. `valid` becomes theirs alone.
  void decode(std::int64_t rows, Validity& valid, std::vector<std::int32_t>& to_indices,
              std::vector<Value>& to_values) {
    valid.clear();
    const std::int64_t count = take(rows, valid, 0);
    const auto fill = [&](auto& out, auto&& next) {
      out.resize(static_cast<std::size_t>(rows));
      next(count, out.data());
      if (count < rows) spread(out.data(), valid.data(), rows, count);
    };
    if (by_index_) {
      fill(to_indices, [&](std::int64_t n, std::int32_t* out) { indices(n, out); });
    } else {
      fill(to_values, [&](std::int64_t n, Value* out) { values(n, out); });
    }
  }
  /// Of the next `count` indices those at `places` minus `before`.
  void pick(std::int64_t count, std::span<const std::uint32_t> places, std::uint32_t before,
            std::int32_t* out) {
    if (!indices_.pick(count, places, before, out)) too_few();
    check_indices(out, static_cast<std::int64_t>(places.size()));
  }

  /// Passes over rows of the current page.
  void skip(std::int64_t rows) {
    if (!open_) {
      left_ -= rows;
      skipped_ += rows;
      return;
    }
    skip_open(rows);
  }

 private:
  [[noreturn]] static void too_few() {
    throw parquet::ParquetException("a page holds fewer values than it says");
  }

  /// Worth the vector instructions that -O2 leaves out: it runs over every index there is.
  [[gnu::optimize("O3")]] static std::uint32_t largest(const std::int32_t* values,
                                                       std::int64_t count) {
    std::uint32_t found = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      found = std::max(found, static_cast<std::uint32_t>(values[i]));
    }
    return found;
  }
  void check_indices(const std::int32_t* values, std::int64_t count) const {
    if (count > 0 && largest(values, count) >= dictionary_.size()) {
      throw parquet::ParquetException("an index beyond the dictionary");
    }
  }

  void next_page() {
    page_ = nullptr;
    const auto page = pages_->NextPage();
    if (page == nullptr) throw parquet::ParquetException("a column ends before its row group");
    page_ = page;
    switch (page->type()) {
      case parquet::PageType::DICTIONARY_PAGE:
        return set_dictionary(static_cast<const parquet::DictionaryPage&>(*page));
      case parquet::PageType::DATA_PAGE:
      case parquet::PageType::DATA_PAGE_V2:
        return note(static_cast<const parquet::DataPage&>(*page));
      default:
        return;  // readers pass over pages they do not know
    }
  }

  void set_dictionary(const parquet::DictionaryPage& page) {
    if (dictionaries_ > 0) throw parquet::ParquetException("a second dictionary");
    const bool plain_page = page.encoding() == parquet::Encoding::PLAIN ||
                            page.encoding() == parquet::Encoding::PLAIN_DICTIONARY;
    if (!plain_page) throw parquet::ParquetException("a dictionary in an encoding of its own");
    const std::uint8_t* data = page.data();
    std::int64_t bytes = page.size();
    if (snappy_) {
      data = dictionary_bytes_.unpack(data, bytes, -1);
      bytes = dictionary_bytes_.size();
    } else if constexpr (std::is_same_v<Type, parquet::ByteArrayType>) {
      dictionary_page_.assign(data, data + bytes);  // the next page comes into the same memory
      data = dictionary_page_.data();
    }
    if (page.num_values() < 0 || page.num_values() > bytes) too_few();
    const auto plain = parquet::MakeTypedDecoder<Type>(parquet::Encoding::PLAIN, &column_, memory_);
    plain->SetData(page.num_values(), data, static_cast<int>(bytes));
    dictionary_.resize(static_cast<std::size_t>(page.num_values()));
    if (plain->Decode(dictionary_.data(), page.num_values()) != page.num_values()) too_few();
    ++dictionaries_;
  }

  /// What the header of a data page tells; the rest is looked at by `open`.
  void note(const parquet::DataPage& page) {
    if (page.num_values() < 0) throw parquet::ParquetException("a page of negative size");
    by_index_ = page.encoding() == parquet::Encoding::RLE_DICTIONARY ||
                page.encoding() == parquet::Encoding::PLAIN_DICTIONARY;
    if (by_index_ && dictionaries_ == 0) {
      throw parquet::ParquetException("a page of indices without a dictionary");
    }
    page_bytes_ = std::max<std::int64_t>(page.size(), page.uncompressed_size());
    left_ = page.num_values();
    open_ = false;
    skipped_ = 0;
  }

  void open() {
    if (open_) return;
    open_ = true;
    const std::int64_t skipped = std::exchange(skipped_, 0);
    if (page_->type() == parquet::PageType::DATA_PAGE) {
      open(static_cast<const parquet::DataPageV1&>(*page_));
    } else {
      open(static_cast<const parquet::DataPageV2&>(*page_));
    }
    if (skipped == 0) return;
    left_ += skipped;
    skip_open(skipped);
  }

  void open(const parquet::DataPageV1& page) {
    const std::uint8_t* data = page.data();
    std::int64_t bytes = page.size();
    if (snappy_) {
      data = unpacked_.unpack(data, bytes, page.uncompressed_size());
      bytes = unpacked_.size();
    }
    const std::int64_t levels = begin_levels(page.num_values(), [&] {
      return level_decoder_.SetData(page.definition_level_encoding(), 1, page.num_values(), data,
                                    static_cast<std::int32_t>(bytes));
    });
    if (levels > bytes) throw parquet::ParquetException("a page shorter than its levels");
    begin_values(page, data + levels, bytes - levels);
  }

  void open(const parquet::DataPageV2& page) {
    const std::int64_t levels =
        std::int64_t{page.repetition_levels_byte_length()} + page.definition_levels_byte_length();
    const bool sane = page.repetition_levels_byte_length() >= 0 &&
                      page.definition_levels_byte_length() >= 0 && levels <= page.size();
    if (!sane) throw parquet::ParquetException("a page whose levels do not fit into it");
    begin_levels(page.num_values(), [&] {
      level_decoder_.SetDataV2(page.definition_levels_byte_length(), 1, page.num_values(),
                               page.data() + page.repetition_levels_byte_length());
      return 0;
    });
    const std::uint8_t* data = page.data() + levels;
    std::int64_t bytes = page.size() - levels;
    if (snappy_ && page.is_compressed() && bytes > 0) {
      data = unpacked_.unpack(data, bytes, page.uncompressed_size() - levels);
      bytes = unpacked_.size();
    }
    begin_values(page, data, bytes);
  }

  /// Finds out whether a page has nulls, which in most is one run of ones, and starts over.
  template <class Start>
  std::int64_t begin_levels(std::int32_t values, Start&& start) {
    page_has_nulls_ = false;
    if (!nullable_) return 0;
    const std::int64_t bytes = start();
    page_has_nulls_ = level_decoder_.CountUpTo(1, values).matching_count != values;
    if (page_has_nulls_) start();
    return bytes;
  }

  void begin_values(const parquet::DataPage& page, const std::uint8_t* data, std::int64_t bytes) {
    if (by_index_) {
      if (indices_.begin(data, bytes)) return;
      throw parquet::ParquetException(
          fmt::format("indices of bit_width {}, and 32 is the most", indices_.width()));
    }
    decoder_ = parquet::MakeTypedDecoder<Type>(page.encoding(), &column_, memory_);
    if (!decoder_) throw parquet::ParquetException("a page in an encoding of other types");
    decoder_->SetData(page.num_values(), data, static_cast<int>(bytes));
  }

  void skip_open(std::int64_t rows) {
    passed_.clear();
    std::int64_t count = take(rows, passed_, 0);
    if (by_index_) {
      if (!indices_.skip(count)) too_few();
      return;
    }
    constexpr std::int64_t at_once = 4096;
    passed_values_.resize(static_cast<std::size_t>(std::min(count, at_once)));
    for (; count > 0; count -= std::min(count, at_once)) {
      values(std::min(count, at_once), passed_values_.data());
    }
  }

  const parquet::ColumnDescriptor& column_;
  const std::unique_ptr<parquet::PageReader> pages_;
  const bool snappy_;
  arrow::MemoryPool* const memory_;
  SnappyPage unpacked_;
  SnappyPage dictionary_bytes_{memory_};
  std::vector<std::uint8_t> dictionary_page_;
  const bool nullable_;
  std::shared_ptr<parquet::Page> page_;  ///< the decoders read its bytes
  std::vector<Value> dictionary_;
  int dictionaries_ = 0;
  std::unique_ptr<parquet::TypedDecoder<Type>> decoder_;
  IndexDecoder indices_;
  parquet::LevelDecoder level_decoder_;
  std::vector<std::int16_t> levels_;
  Validity passed_;
  std::vector<Value> passed_values_;
  std::int64_t left_ = 0;
  std::int64_t skipped_ = 0;  ///< rows passed over in a page that is not open
  std::int64_t page_bytes_ = 0;
  bool open_ = false;
  bool page_has_nulls_ = false;
  bool by_index_ = false;
};

}  // namespace troupe
