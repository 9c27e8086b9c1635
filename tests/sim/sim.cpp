// The simulator: a whole cluster in one process and one thread, one seed = one run.
//
//   sim --seeds 300 --from 1            many seeds; ends with "N passed, M failed"
//   sim --seed 17 --verbose             one, with everything that happens
//   sim --mutants [--seeds 60]          each planted fault must be found, no fault must not
//   sim --streams ...                   all of this with streams instead of batch jobs
#include "runtime/base/log.hpp"
#include "tests/sim/seed.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace troupe;
using namespace troupe::sim;

namespace {

struct CommandLine {
  std::uint64_t seeds = 300;
  std::uint64_t from = 1;
  std::uint64_t hits_min = 0;
  bool mutants = false;
  SimOptions options;
};

CommandLine parse(int count, char** words) {
  CommandLine line;
  const auto number = [&](int& i) {
    return std::strtoull(i + 1 < count ? words[++i] : "", nullptr, 10);
  };
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--seeds") line.seeds = number(i);
    if (word == "--from") line.from = number(i);
    if (word == "--hits-min") line.hits_min = number(i);
    if (word == "--seed") {
      line.from = number(i);
      line.seeds = 1;
    }
    if (word == "--messages") line.options.messages_min = number(i);
    if (word == "--streams") line.options.streams = true;
    if (word == "--epochs") line.options.epochs_min = number(i);
    if (word == "--verbose") line.options.verbose = true;
    if (word == "--mutants") line.mutants = true;
    if (word == "--mutant" && i + 1 < count) {
      ++i;
      for (const auto& [mutation, name, streams] : mutations) {
        if (name == words[i]) line.options.mutation = mutation;
      }
    }
  }
  return line;
}

int report(const CommandLine& line, const Outcome& sum, std::uint64_t failed,
           std::uint64_t messages_least, std::uint64_t epochs_least) {
  std::printf(
      "%llu runs, %llu succeeded; %llu attempts lost, %llu kills, %llu refused\n",
      static_cast<unsigned long long>(sum.runs), static_cast<unsigned long long>(sum.succeeded),
      static_cast<unsigned long long>(sum.restarts), static_cast<unsigned long long>(sum.kills),
      static_cast<unsigned long long>(sum.refused));
  std::printf("messages: %llu, at least %llu a seed\n",
              static_cast<unsigned long long>(sum.messages),
              static_cast<unsigned long long>(messages_least));
  std::printf("epochs: %llu, at least %llu a seed\n", static_cast<unsigned long long>(sum.epochs),
              static_cast<unsigned long long>(epochs_least));
  for (std::size_t point = 0; point < kill_points; ++point) {
    const bool streams = line.options.streams;
    if ((point >= first_of_streams) != streams) continue;
    const bool enough = sum.kills_at[point] >= line.hits_min;
    std::printf("  %-32s %llu%s\n", kill_point_names[point].data(),
                static_cast<unsigned long long>(sum.kills_at[point]), enough ? "" : "  (too few)");
    failed += !enough;
  }
  for (const auto& [count, name, when] : damages) {
    if (when == (line.options.streams ? DamageName::of_batches : DamageName::of_streams)) continue;
    const bool enough = sum.damage.*count >= line.hits_min;
    std::printf("  %-32s %llu%s\n", name.data(), static_cast<unsigned long long>(sum.damage.*count),
                enough ? "" : "  (too few)");
    failed += !enough;
  }
  if (line.options.streams && epochs_least < line.options.epochs_min) ++failed;
  std::printf("%llu passed, %llu failed\n",
              static_cast<unsigned long long>(line.seeds - std::min(line.seeds, failed)),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}

int run_seeds(const CommandLine& line) {
  Outcome sum;
  std::uint64_t failed = 0;
  std::uint64_t messages_least = ~std::uint64_t{0}, epochs_least = ~std::uint64_t{0};
  for (std::uint64_t seed = line.from; seed < line.from + line.seeds; ++seed) {
    SimOptions options = line.options;
    options.seed = seed;
    const Outcome outcome = run_seed(options);
    if (!outcome.ok) {
      ++failed;
      std::printf("seed %llu: %s\nreplay: build/tests/sim/sim --seed %llu --verbose\n",
                  static_cast<unsigned long long>(seed), outcome.violation.c_str(),
                  static_cast<unsigned long long>(seed));
      std::fflush(stdout);
    }
    sum.messages += outcome.messages;
    sum.epochs += outcome.epochs;
    epochs_least = std::min(epochs_least, outcome.epochs);
    sum.runs += outcome.runs;
    sum.succeeded += outcome.succeeded;
    sum.restarts += outcome.restarts;
    sum.kills += outcome.kills;
    sum.refused += outcome.refused;
    for (const auto& [count, name, when] : damages) sum.damage.*count += outcome.damage.*count;
    messages_least = std::min(messages_least, outcome.messages);
    for (std::size_t i = 0; i < kill_points; ++i) sum.kills_at[i] += outcome.kills_at[i];
  }
  return report(line, sum, failed, messages_least, epochs_least);
}

/// The first seed that sees the fault, or 0.
std::uint64_t found_by(const CommandLine& line, Mutation mutation, bool streams,
                       std::string& violation) {
  for (std::uint64_t seed = line.from; seed < line.from + line.seeds; ++seed) {
    SimOptions options = line.options;
    options.seed = seed;
    options.mutation = mutation;
    options.streams = streams;
    const Outcome outcome = run_seed(options);
    if (outcome.ok) continue;
    violation = outcome.violation;
    return seed;
  }
  return 0;
}

int run_mutants(const CommandLine& line) {
  std::uint64_t passed = 0, failed = 0;
  for (const auto& [mutation, name, streams] : mutations) {
    if (streams != line.options.streams) continue;
    std::string violation;
    const std::uint64_t seed = found_by(line, mutation, streams, violation);
    std::printf("%-28s %s\n", name.data(),
                seed == 0 ? "NOT FOUND" : fmt::format("seed {}: {}", seed, violation).c_str());
    std::fflush(stdout);
    ++(seed == 0 ? failed : passed);
  }
  std::string violation;
  const std::uint64_t seed = found_by(line, Mutation::none, line.options.streams, violation);
  std::printf("%-28s %s\n", "none",
              seed == 0 ? "nothing found, as it must be"
                        : fmt::format("seed {}: {}", seed, violation).c_str());
  ++(seed == 0 ? passed : failed);
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(passed),
              static_cast<unsigned long long>(failed));
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  const CommandLine line = parse(count, words);
  log::set_level(log::Level::off);
  return line.mutants ? run_mutants(line) : run_seeds(line);
}
