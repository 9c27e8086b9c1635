#include "runtime/operator/operator_kind.hpp"
#include "runtime/ops/window/window_plan.hpp"
#include "runtime/ops/window/window_state.hpp"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>

namespace troupe {
namespace {

constexpr const char* start_column = "window_start";
constexpr const char* end_column = "window_end";
constexpr const char* late_port = "late";

/// Slices that a window is made of: each is a table of groups while the window is open.
constexpr std::int64_t slices_of_window_max = 10000;

std::int64_t micros(Duration duration) {
  return std::chrono::duration_cast<EventTime::duration>(duration).count();
}

Result<WindowSpan> span_of(const Options& options) {
  const Duration size = options.duration("size");
  const Duration slide = options.has("slide") ? options.duration("slide") : size;
  if (micros(size) <= 0) {
    return make_error(ErrorCode::invalid_argument, "a window is at least one microsecond long")
        .at("size");
  }
  if (micros(slide) <= 0 || slide > size) {
    Error error = make_error(ErrorCode::invalid_argument,
                             "'slide' is longer than nothing and no longer than 'size'");
    error.hint = "rows between two windows would be in none";
    return error.at("slide");
  }
  const WindowSpan span = WindowSpan::make(micros(size), micros(slide));
  if (span.size / span.slice > slices_of_window_max) {
    Error error = make_error(ErrorCode::invalid_argument,
                             "a window of this size would be made of {} slices; {} are possible",
                             span.size / span.slice, slices_of_window_max);
    error.hint = "choose a 'slide' that goes into 'size'";
    return error.at("slide");
  }
  return span;
}

/// Where 'gap' is given, windows are sessions.
Result<std::optional<SessionSpan>> session_of(const Options& options) {
  if (!options.has("gap")) {
    if (options.has("size")) return std::optional<SessionSpan>();
    Error error = make_error(ErrorCode::invalid_argument, "it has neither 'size' nor 'gap'");
    error.hint = "size: 1m makes windows of a minute; gap: 1m makes sessions that end with one";
    return error.at("size");
  }
  for (const char* other : {"size", "slide"}) {
    if (!options.has(other)) continue;
    return make_error(ErrorCode::invalid_argument,
                      "sessions, which 'gap' makes, have no '{}': they are as long as they are",
                      other)
        .at(other);
  }
  const std::int64_t gap = micros(options.duration("gap"));
  if (gap > 0) return std::optional(SessionSpan{gap});
  return make_error(ErrorCode::invalid_argument, "a gap is at least one microsecond long")
      .at("gap");
}

/// What a session computes is handed on from slice to slice, a row a group.
Result<> check_parts(const Aggregation& plan) {
  for (const Aggregation::Part& part : plan.parts) {
    if (!is_of_pairs(part.kind)) continue;
    Error error = make_error(ErrorCode::unsupported,
                             "sessions cannot compute what keeps all values of a group, such as "
                             "count(distinct), a median or a list");
    error.hint = "count(*), sum, avg, min, max, stddev and their like are possible";
    return error.at("select");
  }
  return {};
}

/// One window operator, bound.
struct WindowPlan {
  WindowSpan span;                     ///< its slices, where it makes sessions
  std::optional<SessionSpan> session;  ///< else windows of one size
  Flow flow;
  bool late = false;  ///< somebody reads the late rows
  std::vector<int> columns_read;
  SlicedAggregation sliced;
  SchemaPtr output;
};

SchemaPtr output_of(const Aggregation& plan, bool sessions) {
  arrow::FieldVector fields = plan.select.output->fields();
  if (sessions) fields.resize(fields.size() - 2);  // first and last time, told as the bounds
  const auto moment = arrow::timestamp(arrow::TimeUnit::MICRO);
  fields.insert(
      fields.begin() + static_cast<std::ptrdiff_t>(plan.key_count()),
      {arrow::field(start_column, moment, false), arrow::field(end_column, moment, false)});
  return arrow::schema(std::move(fields));
}

Result<> check_names(const std::vector<NamedText>& names, const char* parameter) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].name != start_column && names[i].name != end_column) continue;
    return make_error(ErrorCode::invalid_argument, "a window gives its own column '{}'",
                      names[i].name)
        .at(fmt::format("{}.{}", parameter, names[i].name));
  }
  return {};
}

Phase assign_phase(const WindowPlan& plan, const SchemaPtr& input) {
  Phase phase;
  phase.name = "window.assign";
  phase.inputs = {PhaseInput{}};
  phase.outputs = {plan.sliced.assigned};
  phase.flows = {{.stream = plan.flow.stream}};
  if (plan.late) {
    phase.outputs.push_back(input);
    phase.flows.push_back(plan.flow);
  }
  phase.make_operator = [span = plan.span, session = plan.session, late = plan.late] {
    return session ? make_assign_sessions(*session, late) : make_assign_windows(span, late);
  };
  return phase;
}

Phase local_phase(const WindowPlan& plan) {
  Phase phase;
  phase.name = "window.local";
  phase.inputs = {PhaseInput{.origin = PhaseInput::Origin::phase, .index = 0}};
  phase.outputs = {plan.sliced.by_slice->partial};
  phase.flows = {{.stream = plan.flow.stream}};
  phase.make_operator = [by_slice = plan.sliced.by_slice] {
    return make_partial_aggregate(by_slice);
  };
  return phase;
}

Phase close_phase(const WindowPlan& plan) {
  PhaseInput input{.origin = PhaseInput::Origin::phase, .index = 1};
  input.blocking = !plan.flow.stream;
  Phase phase;
  phase.name = "window.close";
  if (plan.sliced.by_window->key_count() == 0) {
    input.exchange = ExchangeKind::gather;
    phase.parallelism_max = 1;
  } else {
    input.exchange = ExchangeKind::hash;
    for (std::size_t i = 1; i <= plan.sliced.by_window->key_count(); ++i) {
      input.keys.push_back(static_cast<int>(i));  // the slice is in front
    }
  }
  phase.inputs = {std::move(input)};
  phase.outputs = {plan.output};
  phase.flows = {plan.flow};
  // A window's row has the time of its last moment.
  auto& windows = phase.flows.front().windows;
  windows.clear();
  if (!plan.session) windows.push_back({start_column, plan.span.size - 1});
  windows.push_back({end_column, -1});
  phase.state = {slices_table(plan.span, plan.sliced.by_slice), closed_table()};
  phase.make_operator =
      [span = plan.span, session = plan.session, by_window = plan.sliced.by_window,
       output = with_hidden(plan.output, plan.flow), slices = phase.state.front()] {
        return session ? make_close_sessions(*session, by_window, output, slices)
                       : make_close_windows(span, by_window, output, true, slices);
      };
  return phase;
}

class WindowKind final : public OperatorKind {
 public:
  const OperatorDescription& description() const override { return description_; }

  Result<OperatorPlan> plan(const Options& options, const std::vector<PlanInput>& inputs,
                            const PlanContext& context) const override {
    const PlanInput& input = inputs.front();
    if (!input.flow.timed) {
      Error error =
          make_error(ErrorCode::invalid_argument, "the rows of its input have no event time");
      error.hint = "give the source they come from one: event_time: {value: <SQL>}";
      return error;
    }
    const auto plan = TRY(bound(options, input, context));
    OperatorPlan planned;
    planned.phases = {assign_phase(plan, input.schema), local_phase(plan), close_phase(plan)};
    planned.phases.back().detail =
        detail_of(texts_of(options, "group_by"), texts_of(options, "select"));
    if (plan.late) planned.ports = {{late_port, 0, 1}};
    planned.needs = [columns = plan.columns_read](const std::vector<int>&) {
      return std::vector<std::vector<int>>{columns};
    };
    return planned;
  }

 private:
  static Result<WindowPlan> bound(const Options& options, const PlanInput& input,
                                  const PlanContext& context) {
    WindowPlan plan;
    plan.session = TRY(session_of(options));
    plan.span = plan.session ? plan.session->slices() : TRY(span_of(options));
    plan.flow = input.flow;
    plan.flow.windows.clear();
    plan.late = input.flow.stream && context.ports_read.count(late_port) > 0;
    const std::vector<NamedText> keys = texts_of(options, "group_by");
    const std::vector<NamedText> select = texts_of(options, "select");
    TRY(check_names(keys, "group_by"));
    TRY(check_names(select, "select"));
    plan.sliced = plan.session ? TRY(SlicedAggregation::of_sessions(keys, select, input.schema))
                               : TRY(SlicedAggregation::make(keys, select, input.schema));
    if (plan.session) TRY(check_parts(*plan.sliced.by_window));
    plan.output = output_of(*plan.sliced.by_window, plan.session.has_value());
    plan.columns_read = columns_read(*plan.sliced.by_window);
    std::erase(plan.columns_read, input.schema->num_fields());  // `#at` is not the input's
    return plan;
  }

  const OperatorDescription description_ = {
      .name = "window",
      .summary = "Groups rows by key and by windows of event time, and computes one row for each.",
      .parameters =
          {{.name = "size",
            .type = ParameterType::duration,
            .help = "How long a window is. Windows begin at multiples of it since 1970 UTC."},
           {.name = "slide",
            .type = ParameterType::duration,
            .help = "A window begins every so often, so that windows overlap. Default: 'size'."},
           {.name = "gap",
            .type = ParameterType::duration,
            .help = "Instead of 'size': a window of a key is a session, which goes on as long as "
                    "less than this lies between one row and the next."},
           {.name = "group_by",
            .type = ParameterType::expressions,
            .help = "The key: a list of columns, or a map from names to SQL expressions. Without "
                    "it, all rows of a window are one group."},
           {.name = "select",
            .type = ParameterType::aggregates,
            .help = "What to compute, as for `aggregate`."},
           {.name = "late",
            .type = ParameterType::choice,
            .help = "`drop`: rows that come when all their windows are closed (those of sessions: "
                    "when the watermark has passed their time) are dropped and counted. Else read "
                    "them: from: <id>.late.",
            .choices = {"drop"}}},
      .example =
          "op: window\nfrom: payments\nwith:\n  size: 1m\n  slide: 10s\n  group_by: [card]\n"
          "  select: {payments: count(*), amount: sum(amount)}\n  late: drop\n",
      .notes =
          "The rows need an event time (`event_time` of their source). A window's row comes when "
          "the watermark has reached its end, in a batch job at the end; it has the columns of "
          "'group_by', then 'window_start' and 'window_end' (timestamp, UTC; the end is not part "
          "of "
          "the window), then those of 'select'. Windows without rows have none. A session begins "
          "with its first row and ends a gap after its last one.",
      .ports = {{late_port, "Rows that came when all their windows were closed, as they came.",
                 "late"}},
      .streams = true,
  };
};

}  // namespace

void register_window(OperatorRegistry& registry) { registry.add(std::make_unique<WindowKind>()); }

}  // namespace troupe
