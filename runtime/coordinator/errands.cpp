#include "runtime/coordinator/errands.hpp"

#include "runtime/base/node_fault.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace troupe {
namespace {

/// The cluster as if there were only those that may be asked.
ClusterView without(const std::set<NodeId>& useless, ClusterView cluster) {
  for (const NodeId& node : useless) cluster.nodes.erase(node);
  return cluster;
}

std::string in_words(const ErrandKey& key, ErrandKind kind) {
  if (kind == ErrandKind::commit_sink) return fmt::format("the commit of '{}'", key.vertex);
  if (kind == ErrandKind::copy_snapshots) return "the copies of its state";
  return "what is to be removed beside the outputs";
}

}  // namespace

Result<> Errands::add(const effect::HaveDone& wanted, Instant now) {
  const std::size_t bytes = encode_errand(wanted.errand).size();
  if (bytes > errand_bytes_max) {
    return make_error(ErrorCode::unsupported,
                      "what '{}' has staged takes {} bytes to tell, at most {}: write fewer files",
                      wanted.errand.vertex, bytes, errand_bytes_max);
  }
  const ErrandKey key = key_of(wanted.run, wanted.errand);
  const auto [entry, is_new] = all_.try_emplace(key);
  if (!is_new) return {};
  entry->second.errand = wanted.errand;
  entry->second.useless = wanted.useless;
  entry->second.since = now;
  entry->second.patience = patience_;
  wait(key, entry->second);
  return {};
}

void Errands::wait(const ErrandKey& key, Entry& entry) {
  entry.turn = ++last_turn_;
  entry.told = false;
  waiting_.emplace(entry.turn, key);
}

Effects Errands::give_out(const ClusterView& cluster, Instant now) {
  for (auto each = waiting_.begin(); each != waiting_.end();) {
    const ErrandKey key = each->second;
    Entry& entry = all_.at(key);
    const ClusterNode* node = choose(key, entry, cluster);
    // Where anybody would do, there is nobody for those behind it either.
    if (node == nullptr && entry.useless.empty()) break;
    if (node == nullptr) {
      ++each;
      continue;
    }
    each = waiting_.erase(each);
    ask(key, entry, *node, now);
  }
  if (!waiting_.empty() && usable_nodes({}, cluster).empty()) say_none_is_there();
  return std::exchange(out_, {});
}

/// Null where nobody is there, or has room.
const ClusterNode* Errands::choose(const ErrandKey& key, const Entry& entry,
                                   const ClusterView& cluster) const {
  using Load = std::tuple<bool, std::size_t, std::uint64_t>;
  const ClusterNode* best = nullptr;
  Load least;
  const auto usable = entry.useless.empty()
                          ? usable_nodes(entry.avoided, cluster)
                          : usable_nodes(entry.avoided, without(entry.useless, cluster));
  for (const NodeId& name : usable) {
    const auto known = nodes_.find(name);
    const Asked asked = known == nodes_.end() ? Asked() : known->second;
    const ClusterNode& node = *cluster.find(name);
    const Load load{is_silent({name, node.incarnation}, key), asked.open, asked.last};
    if (asked.open >= errands_per_node_max || (best != nullptr && least <= load)) continue;
    best = &node;
    least = load;
  }
  return best;
}

void Errands::ask(const ErrandKey& key, Entry& entry, const ClusterNode& node, Instant now) {
  entry.asked = NodeProcess{node.node, node.incarnation};
  entry.number = ++last_number_;
  entry.due = now + entry.patience;
  entry.patience = std::min(entry.patience * 2, errand_patience_max);
  asked_.emplace(entry.number, key);
  due_.emplace(entry.due, entry.number);
  Asked& asked = nodes_[node.node];
  ++asked.open;
  asked.last = entry.number;

  DoErrand command;
  command.token.run = key.run;
  command.number = entry.number;
  const std::string content = encode_errand(entry.errand);
  command.parts = static_cast<std::uint32_t>((content.size() + part_bytes_ - 1) / part_bytes_);
  for (; command.part < command.parts; ++command.part) {
    command.content = content.substr(command.part * part_bytes_, part_bytes_);
    out_.push_back(effect::Send{node.node, node.incarnation, command});
  }
}

/// Said once an errand. Nobody waits for a clean-up.
void Errands::say_none_is_there() {
  for (auto last = waiting_.rbegin(); last != waiting_.rend(); ++last) {
    Entry& entry = all_.at(last->second);
    if (std::exchange(entry.told, true)) break;  // so is whoever waits for longer
    if (entry.errand.kind != ErrandKind::commit_sink) continue;
    out_.push_back(effect::Persist{{EventRecord{
        last->second.run, log::Level::warn,
        fmt::format("the commit of '{}' waits: no executor is there", last->second.vertex)}}});
  }
}

void Errands::leave_node(Entry& entry) {
  const auto known = nodes_.find(entry.asked->first);
  if (known != nodes_.end() && known->second.open > 0) --known->second.open;
  asked_.erase(entry.number);
  due_.erase({entry.due, entry.number});
  entry.asked.reset();
}

void Errands::on_tick(Instant now) {
  while (!due_.empty() && due_.begin()->first <= now) {
    const ErrandKey key = asked_.at(due_.begin()->second);
    Entry& entry = all_.at(key);
    note_silent(key, entry);
    leave_node(entry);
    wait(key, entry);
  }
}

/// It may answer yet, so its number of errands is one too small; it has threads for a few.
void Errands::note_silent(const ErrandKey& key, Entry& entry) {
  entry.avoided.insert(*entry.asked);
  entry.silent = entry.asked->first;
  std::erase_if(unanswered_, [&](const auto& each) {
    const Unanswered& other = each.second;
    return other.by == *entry.asked && other.run == key.run && other.vertex == key.vertex;
  });
  unanswered_[entry.number] = {*entry.asked, key.run, key.vertex};
  out_.push_back(effect::Persist{{EventRecord{
      key.run, log::Level::warn,
      fmt::format("{} does not answer what has become of {}: another executor is asked, where "
                  "there is one",
                  *entry.silent, in_words(key, entry.errand.kind))}}});
}

std::optional<Instant> Errands::next_deadline() const {
  if (due_.empty()) return {};
  return due_.begin()->first;
}

bool Errands::is_silent(const NodeProcess& node, const ErrandKey& key) const {
  return std::any_of(unanswered_.begin(), unanswered_.end(), [&](const auto& each) {
    const Unanswered& other = each.second;
    return other.by == node && other.run == key.run && other.vertex == key.vertex;
  });
}

void Errands::heard(std::uint64_t number, const NodeProcess& from) {
  const auto found = unanswered_.find(number);
  if (found != unanswered_.end() && found->second.by == from) unanswered_.erase(found);
}

void Errands::on_away(const NodeId& node) {
  std::erase_if(unanswered_, [&](const auto& each) { return each.second.by.first == node; });
  for (auto& [key, entry] : all_) {
    if (!entry.asked || entry.asked->first != node) continue;
    leave_node(entry);
    wait(key, entry);
  }
}

bool Errands::awaits(std::uint64_t number, const NodeProcess& from) const {
  const auto found = asked_.find(number);
  return found != asked_.end() && all_.at(found->second).asked == from;
}

std::optional<ErrandOutcome> Errands::answered(std::uint64_t number, std::optional<Error> error,
                                               const ClusterView& cluster) {
  const ErrandKey key = asked_.at(number);
  Entry& entry = all_.at(key);
  const NodeProcess from = *entry.asked;
  leave_node(entry);
  if (error && is_node_fault(*error)) {
    entry.avoided.insert(from);
    if (has_good_node(without(entry.useless, cluster), entry.avoided)) {
      wait(key, entry);
      return {};
    }
  }
  all_.erase(key);
  return ErrandOutcome{key, std::move(error), from.first};
}

void Errands::drop_commits(RunId run) {
  std::erase_if(unanswered_, [run](const auto& each) { return each.second.run == run; });
  for (auto each = all_.lower_bound({run, {}}); each != all_.end() && each->first.run == run;) {
    auto& [key, entry] = *each;
    if (entry.errand.kind == ErrandKind::clean_up_sinks) {
      ++each;
      continue;
    }
    if (entry.asked) leave_node(entry);
    waiting_.erase(entry.turn);
    each = all_.erase(each);
  }
}

std::optional<Errands::Wait> Errands::commit_waits(RunId run) const {
  for (auto each = all_.lower_bound({run, {}}); each != all_.end() && each->first.run == run;
       ++each) {
    const auto& [key, entry] = *each;
    const bool commit = entry.errand.kind == ErrandKind::commit_sink;
    if (!commit || (entry.asked && !entry.silent)) continue;
    return Wait{key.vertex, entry.since, entry.asked ? entry.silent : std::nullopt};
  }
  return {};
}

}  // namespace troupe
