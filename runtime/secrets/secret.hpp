#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace troupe {

/// A text that nobody may see: only `reveal` gives it, formatted it is "***", and its bytes are
/// overwritten when it goes. It lives for the call that needs it and is kept nowhere.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  /// The text itself. Whoever copies it must not let it into an error, a log or a message.
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  void append(const std::string& more) { text_ += more; }

 private:
  void wipe() noexcept;
  std::string text_;
};

}  // namespace troupe

template <>
struct fmt::formatter<troupe::Secret> : fmt::formatter<const char*> {
  template <class Context>
  auto format(const troupe::Secret&, Context& context) const {
    return fmt::formatter<const char*>::format("***", context);
  }
};
