#include "runtime/base/ensure.hpp"

namespace troupe::detail {

void throw_defect(const char* condition, const char* file, int line, const std::string& why) {
  throw Defect(fmt::format("{}:{}: {} ({})", file, line, why, condition));
}

}  // namespace troupe::detail
