#include "runtime/exec/any_needed.hpp"

#include <algorithm>

namespace troupe {
namespace {

using TestPtr = std::shared_ptr<const ValueTest>;

/// Values that one of several tests needs.
class AnyOf final : public ValueTest {
 public:
  explicit AnyOf(std::vector<TestPtr> tests) : tests_(std::move(tests)) {}

  void narrow(std::span<const std::int64_t> values, std::uint8_t* keep) const override {
    unite(values, keep);
  }
  void narrow(std::span<const std::string_view> values, std::uint8_t* keep) const override {
    unite(values, keep);
  }

 private:
  template <class Values>
  void unite(const Values& values, std::uint8_t* keep) const {
    std::vector<std::uint8_t> any(values.size(), 0), one(values.size());
    for (const TestPtr& test : tests_) {
      std::fill(one.begin(), one.end(), std::uint8_t{1});
      test->narrow(values, one.data());
      for (std::size_t i = 0; i < one.size(); ++i) any[i] |= one[i];
    }
    for (std::size_t i = 0; i < any.size(); ++i) keep[i] &= any[i];
  }

  const std::vector<TestPtr> tests_;
};

}  // namespace

NeededValues any_needed(const std::vector<NeededValues>& readers) {
  if (readers.empty() || readers.size() > readers_max) return {};
  if (readers.size() == 1) return readers.front();
  NeededValues needed;
  for (const NeededValue& first : readers.front()) {
    std::vector<TestPtr> tests;
    for (const NeededValues& reader : readers) {
      const auto of_column =
          std::find_if(reader.begin(), reader.end(),
                       [&](const NeededValue& value) { return value.column == first.column; });
      if (of_column != reader.end()) tests.push_back(of_column->test);
    }
    if (tests.size() == readers.size()) {
      needed.push_back({first.column, std::make_shared<AnyOf>(std::move(tests))});
    }
  }
  return needed;
}

}  // namespace troupe
