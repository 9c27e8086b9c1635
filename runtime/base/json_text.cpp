#include "runtime/base/json_text.hpp"

#include "runtime/base/json.hpp"

namespace troupe {

std::string json_text(const Json& value, int indent) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace troupe
