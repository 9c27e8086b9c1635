#pragma once

#include <parquet/column_page.h>
#include <parquet/column_reader.h>
#include <parquet/encoding.h>
#include <parquet/exception.h>
#include <parquet/schema.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

namespace troupe {

/// Walks the pages of one flat column chunk: the dictionary, and of each data page its levels and
/// the decoder of its values. Throws parquet::ParquetException on damage.
template <class Type>
class ParquetPages {
 public:
  using Decoder = parquet::TypedDecoder<Type>;
  using Dictionary = parquet::DictDecoder<Type>;

  ParquetPages(const parquet::ColumnDescriptor& column, std::unique_ptr<parquet::PageReader> pages,
               arrow::MemoryPool* memory)
      : column_(column),
        pages_(std::move(pages)),
        memory_(memory),
        nullable_(column.max_definition_level() > 0) {}

  /// Rows that the current page still holds, at least one; begins the next page where it must.
  std::int64_t rows_left() {
    while (left_ == 0) next_page();
    return left_;
  }
  /// True where nothing of the current page is left.
  bool page_ended() const { return left_ == 0; }
  /// True where the current page's values are indices into `dictionary`.
  bool by_index() const { return by_index_; }
  Decoder& decoder() { return *decoder_; }
  Dictionary& dictionary() { return *dictionary_; }

  /// Takes `rows` rows of the current page. Appends to `valid` one byte a row, 0 for null, unless
  /// the page has no nulls at all; returns how many are not null.
  std::int64_t take(std::int64_t rows, std::vector<std::uint8_t>& valid, std::size_t valid_before) {
    left_ -= rows;
    if (!page_has_nulls_) {
      if (!valid.empty()) valid.insert(valid.end(), static_cast<std::size_t>(rows), 1);
      return rows;
    }
    if (valid.empty()) valid.assign(valid_before, 1);
    levels_.resize(static_cast<std::size_t>(rows));
    const int found = level_decoder_.Decode(static_cast<int>(rows), levels_.data());
    if (found != rows) throw parquet::ParquetException("a page holds fewer levels than it says");
    std::int64_t count = 0;
    for (const std::int16_t level : levels_) {
      valid.push_back(static_cast<std::uint8_t>(level));
      count += level;
    }
    return count;
  }

 private:
  void next_page() {
    const auto page = pages_->NextPage();
    if (page == nullptr) throw parquet::ParquetException("a column ends before its row group");
    page_ = page;
    switch (page->type()) {
      case parquet::PageType::DICTIONARY_PAGE:
        return set_dictionary(static_cast<const parquet::DictionaryPage&>(*page));
      case parquet::PageType::DATA_PAGE:
        return begin(static_cast<const parquet::DataPageV1&>(*page));
      case parquet::PageType::DATA_PAGE_V2:
        return begin(static_cast<const parquet::DataPageV2&>(*page));
      default:
        return;  // readers pass over pages they do not know
    }
  }

  void set_dictionary(const parquet::DictionaryPage& page) {
    if (dictionary_) throw parquet::ParquetException("a second dictionary");
    const bool plain_page = page.encoding() == parquet::Encoding::PLAIN ||
                            page.encoding() == parquet::Encoding::PLAIN_DICTIONARY;
    if (!plain_page) throw parquet::ParquetException("a dictionary in an encoding of its own");
    const auto plain = parquet::MakeTypedDecoder<Type>(parquet::Encoding::PLAIN, &column_, memory_);
    plain->SetData(page.num_values(), page.data(), page.size());
    dictionary_ = parquet::MakeDictDecoder<Type>(&column_, memory_);
    dictionary_->SetDict(plain.get());
  }

  void begin(const parquet::DataPageV1& page) {
    if (page.num_values() < 0) throw parquet::ParquetException("a page of negative size");
    const std::int64_t bytes = begin_levels(page.num_values(), [&] {
      return level_decoder_.SetData(page.definition_level_encoding(), 1, page.num_values(),
                                    page.data(), page.size());
    });
    begin_values(page, bytes);
  }

  void begin(const parquet::DataPageV2& page) {
    const std::int64_t levels =
        std::int64_t{page.repetition_levels_byte_length()} + page.definition_levels_byte_length();
    const bool sane = page.num_values() >= 0 && page.repetition_levels_byte_length() >= 0 &&
                      page.definition_levels_byte_length() >= 0 && levels <= page.size();
    if (!sane) throw parquet::ParquetException("a page whose levels do not fit into it");
    begin_levels(page.num_values(), [&] {
      level_decoder_.SetDataV2(page.definition_levels_byte_length(), 1, page.num_values(),
                               page.data() + page.repetition_levels_byte_length());
      return 0;
    });
    begin_values(page, levels);
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

  void begin_values(const parquet::DataPage& page, std::int64_t skipped) {
    if (skipped > page.size()) throw parquet::ParquetException("a page shorter than its levels");
    by_index_ = page.encoding() == parquet::Encoding::RLE_DICTIONARY ||
                page.encoding() == parquet::Encoding::PLAIN_DICTIONARY;
    if (by_index_) {
      if (!dictionary_) throw parquet::ParquetException("a page of indices without a dictionary");
      decoder_ = dictionary_.get();
    } else {
      plain_ = parquet::MakeTypedDecoder<Type>(page.encoding(), &column_, memory_);
      if (!plain_) throw parquet::ParquetException("a page in an encoding of other types");
      decoder_ = plain_.get();
    }
    decoder_->SetData(page.num_values(), page.data() + skipped,
                      page.size() - static_cast<int>(skipped));
    left_ = page.num_values();
  }

  const parquet::ColumnDescriptor& column_;
  const std::unique_ptr<parquet::PageReader> pages_;
  arrow::MemoryPool* const memory_;
  const bool nullable_;
  std::shared_ptr<parquet::Page> page_;  ///< the decoders read its bytes
  std::unique_ptr<Dictionary> dictionary_;
  std::unique_ptr<Decoder> plain_;
  Decoder* decoder_ = nullptr;
  parquet::LevelDecoder level_decoder_;
  std::vector<std::int16_t> levels_;
  std::int64_t left_ = 0;
  bool page_has_nulls_ = false;
  bool by_index_ = false;
};

}  // namespace troupe
