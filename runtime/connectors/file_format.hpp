#pragma once

#include "runtime/connectors/united_schema.hpp"
#include "runtime/expr/expression.hpp"
#include "runtime/formats/text_blocks.hpp"
#include "runtime/operator/batch_reader.hpp"
#include "runtime/operator/value_test.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What the head (or footer) of a file tells.
struct FileInfo {
  SchemaPtr schema;
  std::int64_t rows = -1;  ///< where the format says it
  std::int64_t bytes = 0;  ///< of the file
  /// Where the format does not say its rows: none takes less of an uncompressed file; 0 if unknown.
  std::int64_t row_bytes_min = 0;
  /// Columns of `schema` that cannot be read, and why; the others can.
  std::map<std::string, Error> unreadable = {};
};

/// What a job wants of every file of a source.
struct ReadRequest {
  SchemaPtr schema;                  ///< of the source, as found when the job was submitted
  std::vector<std::string> columns;  ///< of it, those to deliver, in this order
  std::vector<ColumnBound> bounds;   ///< over it: rows that violate one need not be delivered
  bool selected = false;        ///< the user has named the columns: others in a file do not matter
  std::string first_file = {};  ///< the one that `schema` was found in, for messages
  ColumnTests tests = {};       ///< over it: rows that one does not need may be left out, too
};

/// The request with these columns of its schema only, in this order and with their types there.
ReadRequest narrowed(const ReadRequest& request, const SchemaPtr& columns);

/// A part of a file that can be read by itself. `first` and `count` are in the format's own unit:
/// row groups, record batches, bytes.
struct FilePart {
  std::string path;
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t bytes = 0;       ///< to read
  std::int64_t rows = -1;       ///< where known
  std::int64_t file_bytes = 0;  ///< the whole file when it was cut: another size is another file
};

/// A way to read the files of a disk, with its options: what `read.parquet` and its like differ in.
/// Immutable, shared by threads. All calls block.
class ReadFormat {
 public:
  explicit ReadFormat(FileSystem& files) : files_(files) {}
  virtual ~ReadFormat() = default;

  FileSystem& files() const { return files_; }
  virtual Result<FileInfo> inspect(const std::string& path) const = 0;
  /// Of these columns those that the file has, with the types that it can give them.
  virtual Result<SchemaPtr> columns_in(const std::string& path, const SchemaPtr& wanted) const = 0;
  /// What types of different files become one.
  virtual Widening widening() const { return Widening::exact; }
  /// Cuts a file into parts of about `part_bytes`, in the order of its rows; parts that the bounds
  /// rule out are left out. Checks that the file has the columns the request names.
  virtual Result<std::vector<FilePart>> parts(const std::string& path, const ReadRequest& request,
                                              std::int64_t part_bytes) const = 0;
  virtual Result<std::unique_ptr<BatchReader>> open(const FilePart& part,
                                                    const ReadRequest& request) const = 0;
  /// Whether `ReadRequest::tests` mean anything to it.
  virtual bool narrows() const { return false; }

 protected:
  /// Its bytes now.
  Result<std::int64_t> size(const std::string& path) const {
    return static_cast<std::int64_t>(TRY(files_.size(path)));
  }

 private:
  FileSystem& files_;
};

/// Parts of a file of text, in bytes; who reads one cuts it at line breaks.
std::vector<FilePart> byte_parts(const std::string& path, std::int64_t file_bytes,
                                 std::int64_t part_bytes);
bool is_whole(const FilePart& part);
/// What such a part is of its file: no range where it is all of it, which compressed ones need.
ByteRange byte_range(const FilePart& part);

/// Of `wanted` those that are in `found`, as they are there.
SchemaPtr shared_columns(const SchemaPtr& wanted, const SchemaPtr& found);

/// Error where `found`, the schema of `path`, is not what the request expects: names the column and
/// both files.
Result<> check_same_columns(const ReadRequest& request, const SchemaPtr& found,
                            const std::string& path);

}  // namespace troupe
