#pragma once

#include "runtime/os/file_system.hpp"
#include "runtime/os/random.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::sim {

/// A disk in memory that may lose power, fill up, fail and rot. Absolute paths only; what it
/// refuses, the real one refuses too, in the same words. One a node, or one that nodes share. Not
/// for several threads.
///
/// It knows two states of everything: what processes see, and what is durable.
///
///   bytes     durable after `sync` of their file;
///   names     durable after `sync_directory` of the directory they were made, renamed or removed
///   in.
///
/// A process that is killed loses nothing it has appended; only `power_cut` looks at what is
/// durable. It then keeps some of the rest, as chance has it: a part of the bytes, and of the
/// changes of names the first ones. Each of those is one step (`rename`, `rename_new`, `exchange`),
/// whole or undone.
class Disk final : public FileSystem {
 public:
  explicit Disk(std::uint64_t seed = 1) : chance_(seed) {}

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override;
  Result<std::string> read(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  bool exists(const std::string& path) override;
  bool is_directory(const std::string& path) override;
  Result<std::uint64_t> size(const std::string& path) override;
  Result<std::string> version(const std::string& path) override;
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_new(const std::string& from, const std::string& to) override;
  Result<> exchange(const std::string& a, const std::string& b) override;
  Result<> remove_all(const std::string& path) override;
  Result<> sync_directory(const std::string& path) override;

  /// What was not durable is lost, or a part of it. Files that are being written fail from then on:
  /// their processes died with the machine.
  void power_cut();
  /// No room for one more byte or name, until it is told otherwise.
  void be_full(bool full) { full_ = full; }
  /// The device fails: every call that can fail does.
  void be_broken(bool broken) { broken_ = broken; }
  /// The next `sync` of a file fails. Its bytes are never durable then, even if a later one says
  /// so.
  void fail_next_sync() { sync_fails_ = true; }
  /// One bit of a file is another one from now on. False: there is no such file, or nothing in it.
  bool rot(const std::string& path);
  /// All files below a directory, in order.
  std::vector<std::string> files_below(const std::string& directory);

 private:
  class Writer;
  /// A file or a directory.
  struct Node {
    std::uint64_t id = 0;
    bool directory = false;
    std::map<std::string, std::shared_ptr<Node>> names;  ///< of a directory
    std::map<std::string, std::shared_ptr<Node>> durable_names;
    std::string bytes;  ///< of a file
    std::string durable_bytes;
    bool lost = false;  ///< a sync has failed: what it had to write never will be
    std::uint64_t changes = 0;
  };
  using NodePtr = std::shared_ptr<Node>;
  /// One name in one directory: from now on this node, or nobody.
  struct Naming {
    NodePtr directory;
    std::string name;
    NodePtr node;
  };
  using Change = std::vector<Naming>;  ///< one step
  /// Where a path leads: the directory that has the name, and what is there.
  struct Place {
    NodePtr directory;
    std::string name;
    NodePtr node;
  };

  /// 0, or the `errno` of a disk that does not work.
  int trouble() const;
  int room() const;
  /// `errno` in `problem` where the way there is none.
  Place find(const std::string& path, int& problem) const;
  Result<NodePtr> existing(std::string_view doing, const std::string& path);
  Result<> move(const std::string& from, const std::string& to, bool only_new);
  NodePtr make(bool directory);
  void change(Change change);
  static void make_durable(const Change& change);
  void restore(Node& node);
  void restore_bytes(Node& node);
  void remove(const NodePtr& directory, const std::string& name, const NodePtr& node);

  Random chance_;
  std::uint64_t nodes_made_ = 0;
  NodePtr root_ = make(true);
  std::deque<Change> not_durable_;  ///< in order
  std::uint64_t power_cuts_ = 0;
  bool full_ = false;
  bool broken_ = false;
  bool sync_fails_ = false;
};

/// Changes of names that nobody has made durable; a disk writes the oldest by itself.
inline constexpr std::size_t names_not_durable_max = 1000;

}  // namespace troupe::sim
