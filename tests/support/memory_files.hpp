#pragma once

#include "runtime/os/file_system.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// A disk in memory, for tests that make thousands of small changes. Absolute paths only; what it
/// refuses, the real one refuses too.
class MemoryFiles final : public FileSystem {
 public:
  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    if (!is_directory(parent(path)) || is_directory(path)) return no("create", path);
    nodes_[path] = "";
    return std::unique_ptr<WritableFile>(std::make_unique<File>(*this, path));
  }
  Result<std::string> read(const std::string& path) override {
    const auto node = nodes_.find(path);
    if (node == nodes_.end() || !node->second) return no("read", path);
    return *node->second;
  }
  Result<std::vector<std::string>> list(const std::string& directory) override {
    if (!is_directory(directory)) return no("list", directory);
    std::vector<std::string> names;
    for (const auto& [path, content] : nodes_) {
      if (parent(path) == directory) names.push_back(path.substr(directory.size() + 1));
    }
    return names;
  }
  bool exists(const std::string& path) override { return nodes_.count(path) > 0 || path == "/"; }
  bool is_directory(const std::string& path) override {
    return path == "/" || (nodes_.count(path) > 0 && !nodes_[path]);
  }
  Result<std::uint64_t> size(const std::string& path) override {
    return static_cast<std::uint64_t>(TRY(read(path)).size());
  }
  Result<> make_directories(const std::string& path) override {
    if (path == "/" || is_directory(path)) return {};
    if (exists(path)) return no("make", path);
    TRY(make_directories(parent(path)));
    nodes_[path] = std::nullopt;
    return {};
  }
  Result<> rename(const std::string& from, const std::string& to) override {
    const bool taken = is_directory(to) && !list(to)->empty();
    if (!exists(from) || !is_directory(parent(to)) || taken) return no("rename", from);
    if (exists(to) && is_directory(from) != is_directory(to)) return no("rename", from);
    nodes_.erase(to);
    move(from, to);
    return {};
  }
  Result<> rename_new(const std::string& from, const std::string& to) override {
    if (exists(to)) return fail(ErrorCode::already_exists, "'{}' exists", to);
    return rename(from, to);
  }
  Result<> exchange(const std::string& a, const std::string& b) override {
    if (!exists(a) || !exists(b)) return no("exchange", a);
    move(a, "/exchanged");
    move(b, a);
    move("/exchanged", b);
    return {};
  }
  Result<> remove_all(const std::string& path) override {
    std::erase_if(nodes_, [&](const auto& node) { return below(node.first, path); });
    return {};
  }
  Result<> sync_directory(const std::string& path) override {
    const bool slash = path.size() > 1 && path.back() == '/';
    return is_directory(slash ? path.substr(0, path.size() - 1) : path) ? Result<>()
                                                                        : no("sync", path);
  }

 private:
  class File final : public WritableFile {
   public:
    File(MemoryFiles& files, std::string path) : files_(files), path_(std::move(path)) {}
    Result<> append(std::string_view bytes) override {
      files_.nodes_[path_]->append(bytes);
      return {};
    }
    Result<> sync() override { return {}; }
    Result<> close() override { return {}; }

   private:
    MemoryFiles& files_;
    const std::string path_;
  };

  static Error no(std::string_view doing, const std::string& path) {
    return fail(ErrorCode::not_found, "cannot {} '{}'", doing, path);
  }
  static std::string parent(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }
  static bool below(const std::string& path, const std::string& top) {
    return path == top || path.starts_with(top + "/");
  }
  void move(const std::string& from, const std::string& to) {
    std::map<std::string, std::optional<std::string>> moved;
    for (const auto& [path, content] : nodes_) {
      if (below(path, from)) moved[to + path.substr(from.size())] = content;
    }
    std::erase_if(nodes_, [&](const auto& node) { return below(node.first, from); });
    nodes_.merge(moved);
  }

  std::map<std::string, std::optional<std::string>> nodes_;  ///< none: a directory
};

}  // namespace troupe
