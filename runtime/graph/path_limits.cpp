#include "runtime/graph/path_limits.hpp"

#include "runtime/base/json.hpp"
#include "runtime/operator/source.hpp"
#include "runtime/os/file_pattern.hpp"
#include "runtime/secrets/connection.hpp"

#include <utility>

namespace troupe {
namespace {

/// A split of a file source names its file.
Result<> check_split(const Split& split, const AllowedPaths& paths) {
  const Json detail = Json::parse(split.detail, nullptr, /*allow_exceptions=*/false);
  if (!detail.is_object() || !detail.contains("path") || !detail["path"].is_string()) return {};
  return paths.check(detail["path"].get<std::string>());
}

class LimitedSequence final : public SplitSequence {
 public:
  LimitedSequence(std::unique_ptr<SplitSequence> splits, std::shared_ptr<const AllowedPaths> paths)
      : splits_(std::move(splits)), paths_(std::move(paths)) {}

  Result<Next> next() override {
    Next next = TRY(splits_->next());
    if (const auto* split = std::get_if<Split>(&next)) TRY(check_split(*split, *paths_));
    return next;
  }
  std::string mark() const override { return splits_->mark(); }

 private:
  const std::unique_ptr<SplitSequence> splits_;
  const std::shared_ptr<const AllowedPaths> paths_;
};

class LimitedSource final : public Source {
 public:
  LimitedSource(std::shared_ptr<Source> source, std::shared_ptr<const AllowedPaths> paths)
      : source_(std::move(source)), paths_(std::move(paths)) {}

  Result<std::vector<Split>> splits(std::uint32_t wanted) override {
    auto splits = TRY(source_->splits(wanted));
    for (const Split& split : splits) TRY(check_split(split, *paths_));
    return splits;
  }

  Result<std::unique_ptr<BatchReader>> open(const Split& split) override {
    TRY(check_split(split, *paths_));
    return source_->open(split);
  }

  std::unique_ptr<SplitSequence> sequence(const SubtaskOf& self,
                                          const SplitPosition& from) override {
    auto splits = source_->sequence(self, from);
    if (!splits) return splits;
    return std::make_unique<LimitedSequence>(std::move(splits), paths_);
  }

 private:
  const std::shared_ptr<Source> source_;
  const std::shared_ptr<const AllowedPaths> paths_;
};

class LimitedKind final : public OperatorKind {
 public:
  LimitedKind(const OperatorKind& kind, std::shared_ptr<const AllowedPaths> paths)
      : kind_(kind), paths_(std::move(paths)) {}

  const OperatorDescription& description() const override { return kind_.description(); }
  bool takes_changes(const Options& options) const override { return kind_.takes_changes(options); }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    TRY(check(options, context));
    auto plan = TRY(kind_.plan(options, inputs, context));
    for (Phase& phase : plan.phases) {
      if (!phase.make_source || paths_->everything()) continue;
      phase.make_source = [make = std::move(phase.make_source),
                           paths = paths_]() -> Result<std::shared_ptr<Source>> {
        return std::shared_ptr<Source>(std::make_shared<LimitedSource>(TRY(make()), paths));
      };
    }
    return plan;
  }

 private:
  Result<> check(const Options& options, const PlanContext& context) const {
    if (paths_->everything()) return {};
    for (const Parameter& parameter : description().parameters) {
      if (!options.has(parameter.name)) continue;
      if (parameter.type == ParameterType::connection) TRY(check_secrets(options, parameter.name));
      if (parameter.type != ParameterType::path) continue;
      const auto path = local_path(options.text(parameter.name));
      if (!path) continue;  // the operator itself reports a path that is not local
      const bool source = description().role == OperatorRole::source;
      const Result<> checked = source ? check_pattern(*path, context) : paths_->check(*path);
      if (!checked) return checked.error().at(parameter.name);
    }
    return {};
  }

  /// A file with a secret is read as any other one.
  Result<> check_secrets(const Options& options, const std::string& parameter) const {
    const auto connection = Connection::parse(options.connection(parameter));
    if (!connection) return {};  // the operator itself reports it
    for (const std::string& path : connection->secret_files()) {
      const Result<> checked = paths_->check(path);
      if (!checked) return checked.error().at(parameter);
    }
    return {};
  }

  /// The files that a pattern finds must lie inside as well, for a link may lead out. They are
  /// checked before the operator reads their headers.
  Result<> check_pattern(const std::string& pattern, const PlanContext& context) const {
    TRY(paths_->check(searched_directory(*context.files, pattern)));
    if (context.resolved) return {};
    const auto found = find_files(*context.files, pattern);
    if (!found) return {};  // the operator itself reports that nothing was found
    for (const std::string& path : *found) TRY(paths_->check(path));
    return {};
  }

  const OperatorKind& kind_;
  const std::shared_ptr<const AllowedPaths> paths_;
};

}  // namespace

OperatorRegistry limited_to(const OperatorRegistry& registry, AllowedPaths paths) {
  const auto shared = std::make_shared<const AllowedPaths>(std::move(paths));
  OperatorRegistry limited(registry.files());
  for (const OperatorKind* kind : registry.all()) {
    limited.add(std::make_unique<LimitedKind>(*kind, shared));
  }
  return limited;
}

}  // namespace troupe
