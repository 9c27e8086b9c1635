#include "runtime/graph/output_check.hpp"

#include "runtime/os/file_pattern.hpp"

#include <filesystem>
#include <optional>

namespace troupe {
namespace {

/// An output of the job; links and ".." of its path are resolved as far as it exists.
struct Output {
  std::string vertex;
  std::string path;     ///< the directory, or the single file
  std::string example;  ///< the path of a file that a run could write
};

std::string resolved(const std::string& path) {
  std::error_code error;
  const auto found = std::filesystem::weakly_canonical(std::filesystem::absolute(path), error);
  return error ? path : found.string();
}

bool within(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory == "/" ? "/" : directory + "/");
}

std::optional<Output> output_of(const std::string& vertex, const Phase& phase) {
  if (phase.writes.empty()) return std::nullopt;
  Output output{.vertex = vertex, .path = resolved(phase.writes)};
  output.example = phase.writes_part.empty() ? output.path : output.path + "/" + phase.writes_part;
  return output;
}

Error at_path(Error error, const std::string& vertex) { return error.at(vertex + ".with.path"); }

Error read_again(const Output& output, const std::string& source, const std::string& pattern) {
  Error error =
      make_error(ErrorCode::invalid_argument,
                 "'{}' writes to '{}', which '{}' reads as '{}': a second run would read what "
                 "the first has written",
                 output.vertex, output.path, source, pattern);
  error.hint = "write beside what is read, not into it";
  return at_path(std::move(error), output.vertex);
}

Error written_twice(const Output& one, const Output& other) {
  Error error =
      make_error(ErrorCode::invalid_argument, "'{}' and '{}' write to the same place, '{}'",
                 one.vertex, other.vertex, one.path);
  error.hint = "give each sink an output of its own";
  return at_path(std::move(error), other.vertex);
}

}  // namespace

std::vector<Error> check_outputs_apart(FileSystem& files, const JobGraph& graph,
                                       const BoundGraph& bound) {
  std::vector<Error> errors;
  std::vector<Output> outputs;
  for (std::size_t i = 0; i < graph.vertices.size(); ++i) {
    if (!bound.plans[i]) continue;
    const auto output = output_of(graph.vertices[i].id, bound.plans[i]->phases.back());
    if (!output) continue;
    for (const Output& other : outputs) {
      const bool apart = !within(output->path, other.path) && !within(other.path, output->path);
      if (!apart) errors.push_back(written_twice(other, *output));
    }
    outputs.push_back(*output);
  }
  for (std::size_t i = 0; i < graph.vertices.size(); ++i) {
    if (!bound.plans[i]) continue;
    const std::string& pattern = bound.plans[i]->phases.front().reads;
    if (pattern.empty()) continue;
    for (const Output& output : outputs) {
      // A second run replaces the whole output, and the source is part of it: nothing doubles.
      const bool replaces_all = within(resolved(searched_directory(files, pattern)), output.path);
      if (replaces_all || !would_find(files, pattern, output.example)) continue;
      errors.push_back(read_again(output, graph.vertices[i].id, pattern));
    }
  }
  return errors;
}

}  // namespace troupe
