#include "runtime/base/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <mutex>
#include <vector>

namespace troupe {
namespace {

template <class Metric>
struct Family {
  std::string help;
  std::map<Labels, std::unique_ptr<Metric>> members;
};

prometheus::ClientMetric to_client(const Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

}  // namespace

struct Metrics::State {
  std::mutex mutex;
  std::map<std::string, Family<MetricCounter>> counters;
  std::map<std::string, Family<MetricGauge>> gauges;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

MetricCounter& Metrics::counter(const std::string& name, const std::string& help,
                                const Labels& labels) {
  std::lock_guard lock(state_->mutex);
  auto& family = state_->counters[name];
  family.help = help;
  auto& member = family.members[labels];
  if (!member) member = std::make_unique<MetricCounter>();
  return *member;
}

MetricGauge& Metrics::gauge(const std::string& name, const std::string& help,
                            const Labels& labels) {
  std::lock_guard lock(state_->mutex);
  auto& family = state_->gauges[name];
  family.help = help;
  auto& member = family.members[labels];
  if (!member) member = std::make_unique<MetricGauge>();
  return *member;
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families;
  std::lock_guard lock(state_->mutex);
  for (const auto& [name, family] : state_->counters) {
    auto& out = families.emplace_back();
    out.name = name;
    out.help = family.help;
    out.type = prometheus::MetricType::Counter;
    for (const auto& [labels, member] : family.members) {
      out.metric.push_back(to_client(labels));
      out.metric.back().counter.value = static_cast<double>(member->value());
    }
  }
  for (const auto& [name, family] : state_->gauges) {
    auto& out = families.emplace_back();
    out.name = name;
    out.help = family.help;
    out.type = prometheus::MetricType::Gauge;
    for (const auto& [labels, member] : family.members) {
      out.metric.push_back(to_client(labels));
      out.metric.back().gauge.value = member->value();
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace troupe
