#pragma once

#include "runtime/decision/records.hpp"
#include "runtime/metadata/metadata_store.hpp"

#include <map>
#include <set>
#include <string>

namespace troupe::sim {

/// The metadata of a simulated coordinator: the rules of the SQLite store (one transaction, states
/// by compare-and-set, unique keys) on a disk that is memory. What `write` has returned from is
/// durable; whoever simulates a slow disk calls it late, and never for what a kill took away.
///
/// It also keeps what a checker asks for and no leader does: all runs ever, also ended ones.
class Store final : public MetadataStore {
 public:
  explicit Store(ClusterId cluster) : cluster_(std::move(cluster)) {}

  Result<ClusterImage> begin_term() override;
  Result<std::vector<Looked>> carry_out(const StoreSteps& steps) override;

  Result<StoredRun> run(RunId run) override;
  Result<RunSummary> run_summary(RunId run) override;
  Result<std::vector<RunSummary>> runs(const std::optional<JobName>& job,
                                       std::optional<RunId> before, std::uint32_t limit) override;
  Result<std::vector<JobSummary>> jobs(const JobName& after, std::uint32_t limit) override;
  Result<StoredJob> job(const JobName& job) override;
  Result<std::vector<StoredEpoch>> epochs(RunId run, std::uint32_t limit) override;
  Result<std::vector<StoredEvent>> events(const std::optional<RunId>& run, std::uint64_t sequence,
                                          std::uint32_t limit) override;

  Looked look_up(const effect::Look& look) const;
  Term term() const { return term_; }
  const std::map<RunId, RunImage>& all_runs() const { return state_.runs; }
  const std::map<NodeId, NodeRecord>& nodes() const { return state_.nodes; }
  const std::map<std::string, JobVersionRecord>& versions() const { return state_.versions; }
  const AttemptImage* attempt(const AttemptKey& key) const;
  /// The run has ended and is not recorded as cleaned.
  bool owes(RunId run) const;

 private:
  struct State {
    std::map<std::string, JobVersionRecord> versions;  ///< by hash
    std::map<RunId, RunImage> runs;
    std::map<NodeId, NodeRecord> nodes;
    std::map<std::string, RunId> keys;
    std::map<RunInterval, RunId> intervals;
    std::map<RunId, RunId> resumed;  ///< by whom
    std::set<RunId> cleaned;
  };
  Result<> apply(const JobVersionRecord& record);
  Result<> apply(const RunRecord& record);
  Result<> apply(const RunStateRecord& record);
  Result<> apply(const SplitsRecord& record);
  Result<> apply(const AttemptRecord& record);
  Result<> apply(const AttemptStateRecord& record);
  Result<> apply(const AttemptResultRecord& record);
  Result<> apply(const EpochRecord& record);
  Result<> apply(const ManifestRecord& record);
  Result<> apply(const InheritRecord& record);
  Result<> apply(const ForgetEpochsRecord& record);
  Result<> apply(const NodeRecord& record);
  Result<> apply(const EventRecord& record);
  Result<> apply(const RunCleanedRecord& record);
  Result<AttemptImage*> find(const AttemptKey& key);
  static Leftover leftover_of(const RunImage& run);
  static RunSummary summary_of(const RunImage& run);
  static JobSummary summary_of(const JobVersionRecord& version);

  ClusterId cluster_;
  Term term_;
  State state_;
  std::vector<StoredEvent> events_;
};

}  // namespace troupe::sim
