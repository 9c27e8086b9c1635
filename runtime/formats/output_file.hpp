#pragma once

#include "runtime/base/result.hpp"
#include "runtime/os/file_system.hpp"

#include <memory>
#include <string>

namespace arrow::io {
class OutputStream;
}

namespace troupe {

/// A file of our own as the stream that Arrow's writers want. Closing it syncs: what it holds is
/// durable afterwards.
class OutputFile {
 public:
  static Result<std::unique_ptr<OutputFile>> create(FileSystem& files, const std::string& path);
  ~OutputFile();

  const std::shared_ptr<arrow::io::OutputStream>& stream() const { return stream_; }
  const std::string& path() const { return path_; }
  std::int64_t bytes() const;
  /// Syncs and closes; the first failure of any write before, if there was one.
  Result<> finish();

 private:
  class Stream;
  OutputFile(std::shared_ptr<Stream> stream, std::string path);

  std::shared_ptr<Stream> file_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  std::string path_;
};

}  // namespace troupe
