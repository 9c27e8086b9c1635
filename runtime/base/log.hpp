#pragma once

#include "runtime/base/enums.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace troupe::log {

enum class Level { trace, debug, info, warn, error, off };

/// Where log lines go and which are kept. `main` calls this once; before that, warnings and worse
/// go to standard error.
void set_up(Level level, const std::string& file = "");
void set_level(Level level);
bool enabled(Level level);
void write(Level level, std::string_view message);
/// "info" -> Level::info; false if the word is no level.
bool parse_level(std::string_view word, Level& level);
const char* to_string(Level level);

template <class... Args>
void debug(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::info)) write(Level::info, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::warn)) write(Level::warn, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::error)) write(Level::error, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace troupe::log

/// Without `off`, which is no level of an event.
template <>
struct troupe::EnumOf<troupe::log::Level> {
  static constexpr auto last = log::Level::error;
  static constexpr const char* noun = "level";
};
