#include "runtime/secrets/secret.hpp"

namespace troupe {

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  text_ = std::move(other.text_);
  other.wipe();
  return *this;
}

void Secret::wipe() noexcept {
  // Volatile, or the compiler leaves out writes that nobody reads. A short text lives in the object
  // itself, and moving it away leaves a copy behind: so all of its room is overwritten.
  volatile char* bytes = text_.data();
  for (std::size_t i = 0, size = text_.capacity(); i < size; ++i) bytes[i] = 0;
  text_.clear();
}

}  // namespace troupe
