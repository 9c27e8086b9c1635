// A node's identity is its key file and whom it admits is its list; both survive mistakes with a
// message that says what to do. Shown on real directories.
#include "runtime/net/keys.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <sys/stat.h>

using namespace troupe;

namespace {

struct Fixture {
  TempDir dir;
  KeyDirectory keys{system_files(), dir.path() + "/keys"};
};

}  // namespace

TEST_CASE("new keys can be loaded and are their owner's alone") {
  Fixture f;
  const auto key = f.keys.create();
  REQUIRE(key);
  const auto ring = f.keys.load();
  REQUIRE(ring);
  CHECK(ring->own().public_key() == *key);
  CHECK(ring->provisioned());
  CHECK(ring->allowed().empty());
  CHECK(*system_files().is_private(f.dir.path() + "/keys/node.key"));
  CHECK(PublicKey::parse(key->to_string()).value() == *key);
}

TEST_CASE("a node keeps its identity: keys are not made twice") {
  Fixture f;
  const auto first = f.keys.create().value();
  CHECK(f.keys.create().error().code == ErrorCode::already_exists);
  CHECK(f.keys.public_key().value() == first);
}

TEST_CASE("whom a node admits changes with allow and revoke") {
  Fixture f;
  REQUIRE(f.keys.create());
  const PublicKey n2 = KeyPair::generate().public_key();
  const PublicKey n3 = KeyPair::generate().public_key();
  REQUIRE(f.keys.allow(NodeId("n2"), n2));
  REQUIRE(f.keys.allow(NodeId("n3"), n3));
  const auto ring = f.keys.load().value();
  REQUIRE(ring.find(n2) != nullptr);
  CHECK(*ring.find(n2) == NodeId("n2"));
  CHECK(*ring.key_of(NodeId("n3")) == n3);
  REQUIRE(f.keys.revoke(NodeId("n2")));
  CHECK(f.keys.load().value().find(n2) == nullptr);
  CHECK(f.keys.revoke(NodeId("n2")).error().code == ErrorCode::not_found);
}

TEST_CASE("a key is one node") {
  Fixture f;
  const PublicKey own = f.keys.create().value();
  const PublicKey key = KeyPair::generate().public_key();
  REQUIRE(f.keys.allow(NodeId("n2"), key));
  CHECK(f.keys.allow(NodeId("n2"), key));
  CHECK(f.keys.allow(NodeId("n3"), key).error().code == ErrorCode::already_exists);
  CHECK(f.keys.allow(NodeId("n3"), own).error().code == ErrorCode::invalid_argument);
}

TEST_CASE("a node name never leaves its directory") {
  Fixture f;
  const PublicKey key = KeyPair::generate().public_key();
  for (const char* name : {"", "../n2", "a/b", ".hidden", "a b"}) {
    CHECK(f.keys.allow(NodeId(name), key).error().code == ErrorCode::invalid_argument);
    CHECK(f.keys.revoke(NodeId(name)).error().code == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a key file that others can read is refused") {
  Fixture f;
  REQUIRE(f.keys.create());
  REQUIRE(::chmod((f.dir.path() + "/keys/node.key").c_str(), 0640) == 0);
  const auto ring = f.keys.load();
  REQUIRE_FALSE(ring);
  CHECK(ring.error().message.find("can be read by others") != std::string::npos);
  CHECK(ring.error().message.find("node.key") != std::string::npos);
}

TEST_CASE("a damaged key file is refused, whatever is wrong with it") {
  Fixture f;
  REQUIRE(f.keys.create());
  const std::string path = f.dir.path() + "/keys/node.key";
  const std::string good = system_files().read(path).value();
  const auto load_with = [&](const std::string& text) {
    auto file = system_files().create_private(path).value();
    REQUIRE(file->append(text));
    return f.keys.load();
  };
  CHECK(load_with("").error().code == ErrorCode::corrupt);
  CHECK(load_with(good.substr(0, good.size() / 2)).error().code == ErrorCode::corrupt);
  std::string other_secret = good;
  const auto digit = other_secret.rfind("secret = ") + 20;
  other_secret[digit] = other_secret[digit] == '0' ? '1' : '0';
  CHECK(load_with(other_secret).error().code == ErrorCode::corrupt);
  CHECK(load_with(good));
}

TEST_CASE("without keys a node is told how to make them, or makes its own for itself") {
  Fixture f;
  CHECK(f.keys.load().error().message.find("troupe keys new") != std::string::npos);
  const auto alone = f.keys.load_or_create();
  REQUIRE(alone);
  CHECK_FALSE(alone->provisioned());
  CHECK(f.keys.load_or_create()->own().public_key() == alone->own().public_key());
  const auto real = f.keys.create().value();
  CHECK(f.keys.load_or_create()->own().public_key() == real);
  CHECK(f.keys.load_or_create()->provisioned());
}

TEST_CASE("shared keys let every child admit every other and nobody else") {
  const auto rings = shared_keys({NodeId("a"), NodeId("b"), NodeId("c")});
  for (const auto& [node, ring] : rings) {
    CHECK(ring.allowed().size() == 2);
    for (const auto& [other, its_ring] : rings) {
      const NodeId* found = ring.find(its_ring.own().public_key());
      CHECK((found != nullptr) == (other != node));
    }
  }
  TempDir dir;
  KeyDirectory keys(system_files(), dir.path());
  REQUIRE(keys.write(rings.at(NodeId("a"))));
  CHECK(keys.load()->allowed() == rings.at(NodeId("a")).allowed());
}
