#pragma once

#include "runtime/os/random.hpp"
#include "runtime/protocol/foreign_fields.hpp"

#include <concepts>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// Random values for all that a struct lists of itself, from a seed. No list is empty.
class Filler {
 public:
  explicit Filler(std::uint64_t seed) : random_(seed) {}

  void fill(bool& value) { value = random_.chance(1, 2); }
  void fill(std::string& value) {
    value.clear();
    for (std::uint64_t n = 1 + random_.below(12); n > 0; --n) {
      value += static_cast<char>('a' + random_.below(26));
    }
  }
  template <Enumerated E>
  void fill(E& value) {
    value = static_cast<E>(random_.below(static_cast<std::uint64_t>(EnumOf<E>::last) + 1));
  }
  void fill(Duration& value) { value = Duration(static_cast<std::int64_t>(random_.next())); }
  void fill(std::shared_ptr<const std::string>& value) {
    std::string bytes;
    fill(bytes);
    value = std::make_shared<const std::string>(bytes + '\0' + bytes);
  }
  void fill(std::integral auto& value) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(random_.next());
  }
  template <class Tag, class Rep>
  void fill(StrongId<Tag, Rep>& id) {
    Rep value;
    fill(value);
    id = StrongId<Tag, Rep>(value);
  }
  template <class Tag>
  void fill(Counter<Tag>& id) {
    id = Counter<Tag>(random_.next());
  }
  template <class T>
  void fill(std::vector<T>& values) {
    values.resize(1 + random_.below(3));
    for (T& value : values) fill(value);
  }
  void fill(Token& token) {
    fill(token.cluster);
    fill(token.term);
    fill(token.run);
    fill(token.run_attempt);
    fill(token.task);
    fill(token.attempt);
    fill(token.incarnation);
    fill(token.seq);
  }
  template <Described T>
  void fill(T& value) {
    for_each_field<T>([&](const auto& each) { fill(value.*each.member); });
  }
  /// A message: its body, and what travels in the envelope.
  template <class M>
  void fill_message(M& message) {
    if constexpr (CarriesToken<M>) fill(message.token);
    if constexpr (CarriesCluster<M>) fill(message.cluster);
    if constexpr (CarriesTerm<M>) fill(message.term);
    fill(message);
  }

 private:
  Random random_;
};

}  // namespace troupe
