#include "runtime/net/keys.hpp"

#include "runtime/base/hex.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sodium.h>

namespace troupe {
namespace {

constexpr std::size_t node_name_max = 64;

using Key = std::array<std::uint8_t, 32>;

std::string hex_of(const Key& bytes) {
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

bool from_hex(std::string_view text, Key& bytes) {
  if (text.size() != 2 * bytes.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char lower = text[i] >= 'A' && text[i] <= 'F' ? static_cast<char>(text[i] + 32) : text[i];
    const auto digit = hex_digits.find(lower);
    if (digit == std::string_view::npos) return false;
    auto& byte = bytes[i / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | digit);
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The value of "name = value" in a key file; empty if there is none. '#' begins a comment line.
std::string_view field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    if (trimmed(line.substr(0, equals)) == name) return trimmed(line.substr(equals + 1));
  }
  return {};
}

constexpr const char* local_key = "local.key";
constexpr const char* node_key = "node.key";

}  // namespace

Result<> check_node_name(const NodeId& node) {
  const std::string& name = node.value();
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (name.empty() || name.size() > node_name_max || name.front() == '.' || name.front() == '-' ||
      !std::ranges::all_of(name, plain)) {
    return make_error(
        ErrorCode::invalid_argument,
        "'{}' is no node name: 1 to {} letters, digits, '-', '_' and '.', not beginning "
        "with '.' or '-'",
        name, node_name_max);
  }
  return {};
}

Result<PublicKey> PublicKey::parse(std::string_view hex) {
  Key bytes = {};
  if (!from_hex(trimmed(hex), bytes)) {
    return make_error(
        ErrorCode::invalid_argument,
        "'{}' is no public key: 64 hexadecimal digits, as 'troupe keys new' prints them", hex);
  }
  return PublicKey(bytes);
}

std::string PublicKey::to_string() const { return hex_of(bytes_); }

KeyPair KeyPair::generate() {
  KeyPair pair;
  ENSURE(sodium_init() >= 0, "libsodium cannot start");
  Key public_bytes = {};
  crypto_box_keypair(public_bytes.data(), pair.secret_.data());
  pair.public_key_ = PublicKey(public_bytes);
  return pair;
}

KeyPair::~KeyPair() { sodium_memzero(secret_.data(), secret_.size()); }

KeyRing::KeyRing(KeyPair own, std::map<NodeId, PublicKey> allowed, bool provisioned)
    : own_(std::move(own)), allowed_(std::move(allowed)), provisioned_(provisioned) {
  for (const auto& [node, key] : allowed_) by_key_.emplace(key, node);
}

const NodeId* KeyRing::find(const PublicKey& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &found->second;
}

const PublicKey* KeyRing::key_of(const NodeId& node) const {
  const auto found = allowed_.find(node);
  return found == allowed_.end() ? nullptr : &found->second;
}

KeyDirectory::KeyDirectory(FileSystem& files, std::string directory)
    : files_(files), directory_(std::move(directory)) {}

std::string KeyDirectory::path(std::string_view name) const {
  return fmt::format("{}/{}", directory_, name);
}

bool KeyDirectory::has_keys() const { return files_.exists(path(node_key)); }

Result<KeyPair> KeyDirectory::read_pair(const std::string& path) const {
  if (!TRY(files_.is_private(path))) {
    return make_error(
        ErrorCode::invalid_argument,
        "the key file '{}' can be read by others than its owner, so its secret is no "
        "longer one: revoke that key at its peers, remove the file and make a new one with "
        "'troupe keys new' (mode 0600)",
        path);
  }
  std::string text = TRY(files_.read(path));
  KeyPair pair;
  Key public_bytes = {};
  const bool complete = from_hex(field(text, "public"), public_bytes) &&
                        from_hex(field(text, "secret"), pair.secret_);
  sodium_memzero(text.data(), text.size());
  // Halves that do not belong together would fail later, at some peer, without a reason.
  Key derived = {};
  if (!complete || crypto_scalarmult_base(derived.data(), pair.secret_.data()) != 0 ||
      derived != public_bytes) {
    return make_error(
        ErrorCode::corrupt,
        "the key file '{}' does not hold a key pair: restore it, or remove it and make a "
        "new one with 'troupe keys new'",
        path);
  }
  pair.public_key_ = PublicKey(public_bytes);
  return pair;
}

Result<> KeyDirectory::write_pair(const std::string& path, const KeyPair& pair) {
  std::string text = fmt::format(
      "# The identity of a Troupe node. Whoever reads the secret can speak in its name.\n"
      "public = {}\nsecret = {}\n",
      pair.public_key().to_string(), hex_of(pair.secret()));
  TRY(files_.make_directories(directory_));
  const std::string beside = path + ".new";
  auto file = TRY(files_.create_private(beside));
  const auto written = file->append(text);
  sodium_memzero(text.data(), text.size());
  TRY(written);
  TRY(file->sync());
  TRY(file->close());
  TRY(files_.rename(beside, path));
  return files_.sync_directory(directory_);
}

Result<PublicKey> KeyDirectory::create() {
  if (has_keys()) {
    return make_error(
        ErrorCode::already_exists,
        "'{}' exists: a node has one key; remove the file to give it a new identity, and "
        "revoke the old key at its peers",
        path(node_key));
  }
  const KeyPair pair = KeyPair::generate();
  TRY(write_pair(path(node_key), pair));
  TRY(files_.make_directories(path("allowed")));
  return pair.public_key();
}

Result<> KeyDirectory::allow(const NodeId& node, const PublicKey& key) {
  TRY(check_node_name(node));
  for (const auto& [other, its_key] : TRY(allowed())) {
    if (its_key == key && other != node) {
      return make_error(ErrorCode::already_exists,
                        "that key belongs to node '{}' already: a key is one node; revoke it first",
                        other);
    }
  }
  if (has_keys() && TRY(public_key()) == key) {
    return make_error(ErrorCode::invalid_argument,
                      "that is this node's own key: allow it at its peers");
  }
  TRY(files_.make_directories(path("allowed")));
  return write_atomically(files_, path("allowed/" + node.value()),
                          fmt::format("public = {}\n", key.to_string()));
}

Result<> KeyDirectory::revoke(const NodeId& node) {
  TRY(check_node_name(node));
  const std::string file = path("allowed/" + node.value());
  if (!files_.exists(file)) {
    return make_error(ErrorCode::not_found, "node '{}' is not on the list in '{}'", node,
                      path("allowed"));
  }
  TRY(files_.remove_all(file));
  return files_.sync_directory(path("allowed"));
}

Result<std::map<NodeId, PublicKey>> KeyDirectory::allowed() const {
  std::map<NodeId, PublicKey> keys;
  if (!files_.exists(path("allowed"))) return keys;
  for (const auto& name : TRY(files_.list(path("allowed")))) {
    if (name.ends_with(".new")) continue;  // of a write that was cut short
    const std::string file = path("allowed/" + name);
    const std::string text = TRY(files_.read(file));
    auto key = PublicKey::parse(field(text, "public"));
    if (!key) return std::move(key).error().within(file + ": ");
    keys.emplace(NodeId(name), *key);
  }
  return keys;
}

Result<PublicKey> KeyDirectory::public_key() const { return TRY(load()).own().public_key(); }

Result<KeyRing> KeyDirectory::load() const {
  if (!has_keys()) {
    return make_error(ErrorCode::not_found, "no keys in '{}': make them with 'troupe keys new'",
                      directory_);
  }
  return KeyRing(TRY(read_pair(path(node_key))), TRY(allowed()), true);
}

Result<KeyRing> KeyDirectory::load_or_create() {
  if (has_keys()) return load();
  if (!files_.exists(path(local_key))) {
    TRY(write_pair(path(local_key), KeyPair::generate()));
  }
  return KeyRing(TRY(read_pair(path(local_key))), {}, false);
}

Result<> KeyDirectory::write(const KeyRing& ring) {
  TRY(write_pair(path(node_key), ring.own()));
  for (const auto& [node, key] : ring.allowed()) TRY(allow(node, key));
  return {};
}

std::map<NodeId, KeyRing> shared_keys(const std::vector<NodeId>& nodes) {
  std::map<NodeId, KeyPair> pairs;
  for (const auto& node : nodes) pairs.emplace(node, KeyPair::generate());
  std::map<NodeId, KeyRing> rings;
  for (const auto& [node, pair] : pairs) {
    std::map<NodeId, PublicKey> others;
    for (const auto& [other, its_pair] : pairs) {
      if (other != node) others.emplace(other, its_pair.public_key());
    }
    rings.emplace(node, KeyRing(pair, std::move(others), true));
  }
  return rings;
}

}  // namespace troupe
