// The headers that nearly every file includes; most of what a compiler reads of one is theirs. This
// one is precompiled and put in front of all of them (`meson.build`), which saves a fifth of a
// build. Files include what they use all the same: `-Dprecompiled=false` must build, too.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
