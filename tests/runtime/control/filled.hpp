#pragma once

#include "runtime/control/requests.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// Gives every field of a value something that is not its default, a different one each: whatever
/// gets lost or exchanged on a way there and back is seen.
class Filler {
 public:
  template <class T>
  void operator()(const char*, T&& value, Presence = Presence::required, const char* = "") {
    fill(value);
  }

  template <Described T>
  void fill(T& value) {
    each_value(value, *this);
  }

  template <Worded E>
  void fill(E& value) {
    value = EnumOf<E>::last;
  }
  template <class T>
  void fill(std::optional<T>& value) {
    fill(value.emplace());
  }
  template <class T>
  void fill(std::vector<T>& items) {
    fill(items.emplace_back());
    fill(items.emplace_back());
  }
  template <class Tag, class Rep>
  void fill(StrongId<Tag, Rep>& id) {
    Rep value{};
    fill(value);
    id = StrongId<Tag, Rep>(std::move(value));
  }
  template <class Tag>
  void fill(Counter<Tag>& id) {
    id = Counter<Tag>(++last_);
  }
  template <class T>
  void fill(Checked<T>& answer) {
    fill(answer.done.emplace());
    fill(answer.notes);
  }

  /// With what URLs and JSON must not take for their own.
  void fill(std::string& text) { text = fmt::format("a/b {}?&=%\"ü+", ++last_); }
  void fill(Binary& value) { fill(value.bytes); }
  void fill(bool& value) { value = false; }
  void fill(double& value) { value = 0.1 + static_cast<double>(++last_); }
  void fill(std::uint32_t& value) { value = static_cast<std::uint32_t>(++last_); }
  void fill(std::uint64_t& value) { value = ++last_; }
  void fill(std::int64_t& value) { value = -static_cast<std::int64_t>(++last_); }
  void fill(std::chrono::seconds& value) { value = std::chrono::seconds(++last_); }
  void fill(WallTime& time) { time = WallTime(std::chrono::microseconds(1'000'000'007 * ++last_)); }
  void fill(std::map<std::string, std::string>& texts) { fill(texts["a name"]); }

 private:
  std::uint64_t last_ = 0;
};

template <class T>
T filled() {
  T value{};
  Filler().fill(value);
  return value;
}

/// Calls `each` with a filled one of every alternative of a variant.
template <class Each, class... Ts>
void each_filled(const std::variant<Ts...>*, Each each) {
  (each(filled<Ts>()), ...);
}

}  // namespace troupe
