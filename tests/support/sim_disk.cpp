#include "tests/support/sim_disk.hpp"

#include "runtime/base/ensure.hpp"
#include "runtime/os/os_error.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

namespace troupe::sim {
namespace {

bool inside(const std::string& path, const std::string& directory) {
  return path.starts_with(directory + "/");
}

}  // namespace

// ---- files that are being written

class Disk::Writer final : public WritableFile {
 public:
  Writer(Disk& disk, std::string path, NodePtr node)
      : disk_(disk), path_(std::move(path)), node_(std::move(node)), opened_(disk.power_cuts_) {}

  Result<> append(std::string_view bytes) override {
    TRY(check("write"));
    if (const int number = disk_.room(); number != 0 && !bytes.empty()) {
      return os_error("write", path_, number);
    }
    node_->bytes += bytes;
    ++node_->changes;
    return {};
  }

  Result<> sync() override {
    TRY(check("sync"));
    if (std::exchange(disk_.sync_fails_, false)) {
      node_->lost = true;
      return os_error("sync", path_, EIO);
    }
    if (!node_->lost) node_->durable_bytes = node_->bytes;
    return {};
  }

  Result<> close() override {
    closed_ = true;
    return {};
  }

 private:
  Result<> check(std::string_view doing) const {
    ENSURE(!closed_, "'{}' is closed", path_);
    if (opened_ != disk_.power_cuts_) return os_error(doing, path_, ESTALE);
    if (const int number = disk_.trouble()) return os_error(doing, path_, number);
    return {};
  }

  Disk& disk_;
  const std::string path_;
  const NodePtr node_;
  const std::uint64_t opened_;
  bool closed_ = false;
};

// ---- the way to a node

int Disk::trouble() const { return broken_ ? EIO : 0; }
int Disk::room() const { return broken_ ? EIO : full_ ? ENOSPC : 0; }

Disk::Place Disk::find(const std::string& path, int& problem) const {
  ENSURE(path.starts_with('/'), "'{}' is no absolute path", path);
  problem = 0;
  Place place{nullptr, "", root_};
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, end - at);
    at = end + 1;
    if (name.empty()) continue;
    if (!place.node || !place.node->directory) {
      problem = place.node ? ENOTDIR : ENOENT;
      return {};
    }
    const auto found = place.node->names.find(name);
    const NodePtr next = found == place.node->names.end() ? nullptr : found->second;
    place = {place.node, name, next};
  }
  return place;
}

Result<Disk::NodePtr> Disk::existing(std::string_view doing, const std::string& path) {
  if (const int number = trouble()) return os_error(doing, path, number);
  int problem = 0;
  const Place place = find(path, problem);
  if (!place.node) return os_error(doing, path, problem == 0 ? ENOENT : problem);
  return place.node;
}

Disk::NodePtr Disk::make(bool directory) {
  auto node = std::make_shared<Node>();
  node->id = ++nodes_made_;
  node->directory = directory;
  return node;
}

// ---- what processes do

Result<std::unique_ptr<WritableFile>> Disk::create(const std::string& path) {
  int problem = trouble();
  if (problem != 0) return os_error("create", path, problem);
  Place place = find(path, problem);
  if (problem == 0 && !place.directory) problem = EISDIR;
  if (problem == 0 && place.node && place.node->directory) problem = EISDIR;
  if (problem == 0 && !place.node) problem = room();
  if (problem != 0) return os_error("create", path, problem);
  if (place.node) {
    place.node->bytes.clear();
  } else {
    place.node = make(false);
    change({{place.directory, place.name, place.node}});
  }
  return std::unique_ptr<WritableFile>(std::make_unique<Writer>(*this, path, place.node));
}

Result<std::string> Disk::read(const std::string& path) {
  const NodePtr node = TRY(existing("open", path));
  if (node->directory) return os_error("read", path, EISDIR);
  return node->bytes;
}

Result<std::vector<std::string>> Disk::list(const std::string& directory) {
  const NodePtr node = TRY(existing("list", directory));
  if (!node->directory) return os_error("list", directory, ENOTDIR);
  std::vector<std::string> names;
  for (const auto& [name, below] : node->names) names.push_back(name);
  return names;
}

bool Disk::exists(const std::string& path) {
  int problem = 0;
  return find(path, problem).node != nullptr;
}

bool Disk::is_directory(const std::string& path) {
  int problem = 0;
  const NodePtr node = find(path, problem).node;
  return node && node->directory;
}

Result<std::uint64_t> Disk::size(const std::string& path) {
  return TRY(existing("read the size of", path))->bytes.size();
}

Result<std::string> Disk::version(const std::string& path) {
  const NodePtr node = TRY(existing("look at", path));
  return fmt::format("{}-{}-{}", node->bytes.size(), node->id, node->changes);
}

Result<> Disk::make_directories(const std::string& path) {
  constexpr std::string_view doing = "create the directory";
  if (const int number = trouble()) return os_error(doing, path, number);
  for (std::size_t at = 0; at < path.size();) {
    at = std::min(path.find('/', at + 1), path.size());
    int problem = 0;
    const Place place = find(path.substr(0, at), problem);
    if (place.node && place.node->directory) continue;
    if (place.node) problem = ENOTDIR;
    if (problem == 0) problem = room();
    if (problem != 0) return os_error(doing, path, problem);
    change({{place.directory, place.name, make(true)}});
  }
  return {};
}

Result<> Disk::rename(const std::string& from, const std::string& to) {
  return move(from, to, false);
}
Result<> Disk::rename_new(const std::string& from, const std::string& to) {
  return move(from, to, true);
}

Result<> Disk::move(const std::string& from, const std::string& to, bool only_new) {
  int problem = trouble();
  const std::string both = from + "' to '" + to;
  if (problem != 0) return os_error("rename", both, problem);
  int other = 0;
  const Place source = find(from, problem);
  const Place target = find(to, other);
  if (problem == 0) problem = other;
  if (problem == 0 && !source.node) problem = ENOENT;
  if (problem == 0 && target.node && only_new) problem = EEXIST;
  if (problem == 0 && inside(to, from)) problem = source.node->directory ? EINVAL : ENOTDIR;
  if (problem == 0 && inside(from, to)) problem = ENOTEMPTY;
  if (problem == 0 && target.node && target.node != source.node) {
    const bool into = target.node->directory;
    if (into != source.node->directory) problem = into ? EISDIR : ENOTDIR;
    if (problem == 0 && !target.node->names.empty()) problem = ENOTEMPTY;
  }
  if (problem != 0) return os_error("rename", both, problem);
  if (target.node == source.node) return {};
  change({{source.directory, source.name, nullptr}, {target.directory, target.name, source.node}});
  return {};
}

Result<> Disk::exchange(const std::string& a, const std::string& b) {
  int problem = trouble();
  int other = 0;
  const std::string both = a + "' with '" + b;
  if (problem != 0) return os_error("exchange", both, problem);
  const Place one = find(a, problem);
  const Place two = find(b, other);
  if (problem == 0) problem = other;
  if (problem == 0 && (!one.node || !two.node)) problem = ENOENT;
  if (problem == 0 && (inside(a, b) || inside(b, a))) problem = EINVAL;
  if (problem != 0) return os_error("exchange", both, problem);
  if (one.node == two.node) return {};
  change({{one.directory, one.name, two.node}, {two.directory, two.name, one.node}});
  return {};
}

Result<> Disk::remove_all(const std::string& path) {
  if (const int number = trouble()) return os_error("remove", path, number);
  int problem = 0;
  const Place place = find(path, problem);
  if (problem == ENOTDIR) return os_error("remove", path, problem);
  if (!place.node) return {};
  ENSURE(place.directory, "nobody removes the root");
  remove(place.directory, place.name, place.node);
  return {};
}

/// One name after the other, as everybody has to: a power cut may leave the first half of it.
void Disk::remove(const NodePtr& directory, const std::string& name, const NodePtr& node) {
  const auto below = node->names;
  for (const auto& [each, child] : below) remove(node, each, child);
  change({{directory, name, nullptr}});
}

/// With what happened in this directory goes what had to happen before it.
Result<> Disk::sync_directory(const std::string& path) {
  const NodePtr node = TRY(existing("open", path));
  if (!node->directory) return os_error("open", path, ENOTDIR);
  std::set<NodePtr> synced{node};
  std::vector<Change> going;
  std::deque<Change> staying;
  for (auto each = not_durable_.rbegin(); each != not_durable_.rend(); ++each) {
    const bool goes = std::any_of(each->begin(), each->end(), [&](const Naming& naming) {
      return synced.contains(naming.directory);
    });
    if (goes) {
      for (const Naming& naming : *each) synced.insert(naming.directory);
      going.push_back(std::move(*each));
    } else {
      staying.push_front(std::move(*each));
    }
  }
  for (auto each = going.rbegin(); each != going.rend(); ++each) make_durable(*each);
  not_durable_ = std::move(staying);
  return {};
}

void Disk::change(Change change) {
  for (const Naming& naming : change) {
    if (naming.node) {
      naming.directory->names[naming.name] = naming.node;
    } else {
      naming.directory->names.erase(naming.name);
    }
  }
  not_durable_.push_back(std::move(change));
  if (not_durable_.size() <= names_not_durable_max) return;
  make_durable(not_durable_.front());
  not_durable_.pop_front();
}

void Disk::make_durable(const Change& change) {
  for (const Naming& naming : change) {
    if (naming.node) {
      naming.directory->durable_names[naming.name] = naming.node;
    } else {
      naming.directory->durable_names.erase(naming.name);
    }
  }
}

// ---- what befalls it

void Disk::power_cut() {
  ++power_cuts_;
  const std::size_t kept = chance_.below(not_durable_.size() + 1);
  for (std::size_t i = 0; i < kept; ++i) make_durable(not_durable_[i]);
  not_durable_.clear();
  restore(*root_);
}

void Disk::restore(Node& node) {
  if (!node.directory) return restore_bytes(node);
  node.names = node.durable_names;
  for (const auto& [name, below] : node.names) restore(*below);
}

void Disk::restore_bytes(Node& node) {
  const bool appended = node.bytes.starts_with(node.durable_bytes);
  if (!node.lost && node.bytes != node.durable_bytes && chance_.chance(1, 2)) {
    const std::size_t least = appended ? node.durable_bytes.size() : 0;
    node.bytes.resize(least + chance_.below(node.bytes.size() - least + 1));
    node.durable_bytes = node.bytes;
    ++node.changes;
  }
  node.lost = false;
  if (node.bytes == node.durable_bytes) return;
  node.bytes = node.durable_bytes;
  ++node.changes;
}

bool Disk::rot(const std::string& path) {
  int problem = 0;
  const NodePtr node = find(path, problem).node;
  if (!node || node->directory || node->bytes.empty()) return false;
  const std::size_t at = chance_.below(node->bytes.size());
  const char bit = static_cast<char>(1 << chance_.below(8));
  node->bytes[at] ^= bit;
  if (at < node->durable_bytes.size()) node->durable_bytes[at] ^= bit;
  return true;
}

std::vector<std::string> Disk::files_below(const std::string& directory) {
  int problem = 0;
  const NodePtr node = find(directory, problem).node;
  std::vector<std::string> files;
  if (!node) return files;
  for (const auto& [name, below] : node->names) {
    const std::string path = (directory == "/" ? "" : directory) + "/" + name;
    if (!below->directory) files.push_back(path);
    const auto more = files_below(path);
    files.insert(files.end(), more.begin(), more.end());
  }
  return files;
}

}  // namespace troupe::sim
