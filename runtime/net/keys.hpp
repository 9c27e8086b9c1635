#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/os/file_system.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Checks a node's name, wherever one is given: the name is a file in key directories, and a word
/// in command lines and addresses.
Result<> check_node_name(const NodeId& node);

/// The public half of a node's CURVE key, which other nodes put on their list. Written as 64 hex
/// digits, which survive every shell.
class PublicKey {
 public:
  PublicKey() = default;
  explicit PublicKey(const std::array<std::uint8_t, 32>& bytes) : bytes_(bytes) {}
  static Result<PublicKey> parse(std::string_view hex);

  std::string to_string() const;
  const std::array<std::uint8_t, 32>& bytes() const { return bytes_; }

  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;

 private:
  std::array<std::uint8_t, 32> bytes_ = {};
};

/// A node's own CURVE key pair. The secret is wiped when the last owner goes; it is never logged
/// and never leaves the process except into its key file.
class KeyPair {
 public:
  static KeyPair generate();
  KeyPair(const KeyPair&) = default;
  KeyPair& operator=(const KeyPair&) = default;
  ~KeyPair();

  const PublicKey& public_key() const { return public_key_; }
  const std::array<std::uint8_t, 32>& secret() const { return secret_; }

 private:
  friend class KeyDirectory;
  KeyPair() = default;
  PublicKey public_key_;
  std::array<std::uint8_t, 32> secret_ = {};
};

/// A node's own key and the keys it admits. Immutable; after a change a running link is given a new
/// ring.
class KeyRing {
 public:
  /// `provisioned` is false for keys that a lone node made for itself: such a node may bind
  /// loopback only.
  KeyRing(KeyPair own, std::map<NodeId, PublicKey> allowed, bool provisioned);

  const KeyPair& own() const { return own_; }
  bool provisioned() const { return provisioned_; }
  /// The node a key belongs to; nullptr: it is not on the list.
  const NodeId* find(const PublicKey& key) const;
  const PublicKey* key_of(const NodeId& node) const;
  const std::map<NodeId, PublicKey>& allowed() const { return allowed_; }

 private:
  KeyPair own_;
  std::map<NodeId, PublicKey> allowed_;
  std::map<PublicKey, NodeId> by_key_;
  bool provisioned_;
};

/// The key files of one node. `troupe keys` works on them:
///
///     DIRECTORY/node.key        the node's own pair, mode 0600
///     DIRECTORY/local.key       instead: made by a lone node for itself, binds loopback only
///     DIRECTORY/allowed/NAME    the public key of node NAME
///
/// All calls block on the disk and are durable when they return. A key file that others than its
/// owner may read is refused, never repaired: its secret must be taken as known.
class KeyDirectory {
 public:
  KeyDirectory(FileSystem& files, std::string directory);

  /// `troupe keys new`: `already_exists` if the node has keys.
  Result<PublicKey> create();
  /// `troupe keys allow NAME KEY`: replaces an earlier key of that name. A key that is on the list
  /// under another name is refused: one key means one node.
  Result<> allow(const NodeId& node, const PublicKey& key);
  /// `troupe keys revoke NAME`.
  Result<> revoke(const NodeId& node);
  /// `troupe keys list`.
  Result<std::map<NodeId, PublicKey>> allowed() const;
  /// The node's own public key; `not_found` says how to make one.
  Result<PublicKey> public_key() const;
  bool has_keys() const;

  /// The ring that the node runs with; `not_found` if there are no keys.
  Result<KeyRing> load() const;
  /// The same for a node on its own: makes `local.key` if there are no keys at all.
  Result<KeyRing> load_or_create();
  /// Writes a whole ring that a parent made for this node (see `shared_keys`).
  Result<> write(const KeyRing& ring);

 private:
  Result<KeyPair> read_pair(const std::string& path) const;
  Result<> write_pair(const std::string& path, const KeyPair& pair);
  std::string path(std::string_view name) const;

  FileSystem& files_;
  std::string directory_;
};

/// Keys for nodes that one parent starts and trusts (`troupe run --executors N`): each gets a
/// provisioned ring of its own that admits all the others.
std::map<NodeId, KeyRing> shared_keys(const std::vector<NodeId>& nodes);

}  // namespace troupe
