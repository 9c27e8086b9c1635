@0xb3c1f6d29a4e7085;
# The life of a run: what the coordinator and the executors say to each other about tasks, and the
# durable form of what the coordinator records.
#
# The tokens {cluster, term, run, run attempt, task, task attempt} of every message are in its
# envelope (control.capnp); `Fence` adds what only these messages need. Commands are fenced: a
# receiver refuses a lower term than the highest it saw. Reports may be older than the term that
# reads them, and may come twice.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::schema");

struct Fence {
  incarnation @0 :UInt64;
  # Of the executor, in both directions.
  seq @1 :UInt64;
  # Of commands: grows within a term.
}

struct TaskRef {
  stage @0 :UInt32;
  subtask @1 :UInt32;
}

struct TaskPeer {
  task @0 :TaskRef;
  attempt @1 :UInt64;
  node @2 :Text;
}

struct PeerNode {
  node @0 :Text;
  incarnation @1 :UInt64;
  address @2 :Text;
}

struct EdgePeers {
  edge @0 :UInt32;
  # Index of the edge in the task graph that every node derives from the plan.
  peers @1 :List(TaskPeer);
}

struct SplitRef {
  detail @0 :Text;
  bytes @1 :Int64;
  rows @2 :Int64;
}

struct PartitionSummary {
  rows @0 :Int64;
  hash @1 :UInt64;
  # Of the rows, whatever their order.
}

struct OutputSummary {
  edge @0 :UInt32;
  partitions @1 :List(PartitionSummary);
}

struct CommittableRef {
  detail @0 :Data;
  rows @1 :Int64;
  epoch @2 :UInt64 = 1;
  # In which it was staged.
}

struct VertexCounters {
  vertex @0 :Text;
  rowsIn @1 :UInt64;
  rowsOut @2 :UInt64;
  bytesIn @3 :UInt64;
  bytesOut @4 :UInt64;
  notes @5 :List(Text);  # what people should know of it, once its reading has ended
  busyNanos @6 :Int64;
  rowsLate @7 :UInt64;  # that came when their windows were closed, and were dropped
}

struct TaskCounters {
  vertices @0 :List(VertexCounters);
  busyNanos @1 :Int64;
  blockedNanos @2 :Int64;
  idleNanos @3 :Int64;
  queuePercent @4 :UInt32;
  watermark @5 :Int64;
  # Its event time, in microseconds since 1970; 0: none.
  stateBytes @6 :Int64;
  # Of the files that it would be restored from.
}

# --- Coordinator -> executor ----------------------------------------------------------------------

struct Joined {
  # Coordinator -> executor: you are a member; your incarnation is durable.
  incarnation @0 :UInt64;
}

struct JoinRefused {
  # Coordinator -> executor: you are not a member.
  incarnation @0 :UInt64;
  highest @1 :UInt64;
  # Where not 0, the incarnation has ended; a new one must be higher than this.
  reason @2 :Text;
}

struct Adopt {
  # Coordinator -> executor: a new leader or a new session asks what you hold.
  fence @0 :Fence;
}

struct DeployTask {
  # Coordinator -> executor: build this task and say when it can take input.
  fence @0 :Fence;
  job @1 :Text;
  plan @2 :Data;
  # The bound JobGraph, canonical.
  parallelism @3 :UInt32;
  keepBlockingEdges @4 :Bool;
  splits @5 :List(SplitRef);
  inputs @6 :List(EdgePeers);
  # Producers of every in-edge; of blocking ones the attempts that won.
  outputs @7 :List(EdgePeers);
  # Consumers of every pipelined out-edge.
  nodes @8 :List(PeerNode);
  memoryBytes @9 :Int64;
  runUid @10 :Text;
  # The run outside its cluster, unique for ever: what is staged and committed is marked with it.
  epochs @11 :EpochRole;
  lineage @12 :Text;
  # The uid of the first run that this one goes on with: sinks and state are marked with it.
}

struct KeyGroupRange {
  begin @0 :UInt32;
  end @1 :UInt32;
}

struct SnapshotFile {
  # A file of a task's state; the oldest of them come first.
  name @0 :Text;
  bytes @1 :UInt64;
  hash @2 :UInt64;
  # xxh3_64 of all bytes.
  rows @3 :Int64;
  epochFirst @4 :UInt64;
  epochLast @5 :UInt64;
  groups @6 :KeyGroupRange;
  # For which it is read.
}

struct StoredSnapshot {
  file @0 :SnapshotFile;
  nodes @1 :List(Text);
  # Whose disks have it; none: all nodes see it.
}

struct TaskSnapshot {
  # All that a task would be restored from to where it was at a barrier, and what its sink has staged.
  files @0 :List(StoredSnapshot);
  sink @1 :Text;
  committables @2 :List(CommittableRef);
  alignedNanos @3 :Int64;
  # From its first barrier to its last one.
  writtenNanos @4 :Int64;
  # From there until its state was durable.
}

struct EpochRole {
  # How the task of a stream takes part in the epochs of its run.
  takesPart @0 :Bool;
  directory @1 :Text;
  # Of state files, which all nodes see; empty: nodes have their own.
  restore @2 :UInt64;
  # It goes on from the barrier of this epoch; 0: it begins.
  files @3 :List(StoredSnapshot);
}

struct StartTask {
  # Coordinator -> executor: every task of the region is ready.
  fence @0 :Fence;
}

struct SnapshotTask {
  # Coordinator -> executor: an epoch ends here for the rows of this task's sources.
  fence @0 :Fence;
  epoch @1 :UInt64;
  published @2 :UInt64;
  # The last epoch that is; 0: none.
  hold @3 :Bool;
  # No more rows behind it, until the next one comes.
}

struct EndSources {
  # Coordinator -> executor: all sources of the run have come to their end, and so may this task.
  fence @0 :Fence;
}

struct CancelTask {
  # Coordinator -> executor: stop, and drop what this attempt has kept.
  fence @0 :Fence;
  reason @1 :Text;
}

struct AckReport {
  # Coordinator -> executor: your last report of this attempt is durable.
  fence @0 :Fence;
}

struct ReleaseRun {
  # Coordinator -> executor: the run has ended; delete its kept partitions.
  fence @0 :Fence;
  lineage @1 :Text;
  forGood @2 :Bool;
  # Nothing goes on from its state: delete its state files, too.
}

struct DropSnapshots {
  # Coordinator -> executor: nobody needs these state files any more. Not answered.
  fence @0 :Fence;
  lineage @1 :Text;
  names @2 :List(Text);
  # None: all there are.
  directory @3 :Text;
  # Which all nodes see; empty: on the node's own disk.
}

enum ErrandKind {
  commitSink @0;
  cleanUpSinks @1;
  copySnapshots @2;
}

struct Errand {
  # What an executor does for a run beside its tasks; it needs no slot. Travels in DoErrand.
  kind @0 :ErrandKind;
  runUid @1 :Text;
  plan @2 :Data;
  # The bound JobGraph, canonical; sinks are the same for any target.
  vertex @3 :Text;
  # The sink that commits; empty where all sinks clean up.
  committables @4 :List(CommittableRef);
  epoch @5 :UInt64 = 1;
  previous @6 :UInt64;
  # What the sink has committed before; 0: nothing.
  copy @7 :UInt64;
  # Of copying: which one of its run.
  files @8 :List(StoredSnapshot);
  nodes @9 :List(PeerNode);
  # Which have the files.
  lineage @10 :Text;
  # Sinks and state are marked with it; what is staged, with the run.
}

struct DoErrand {
  # Coordinator -> executor: do this errand, which any executor may do, also several at once. An
  # errand may be larger than a frame: it comes as so many parts, one after the other.
  fence @0 :Fence;
  number @1 :UInt64;
  # Of the errand, within the term; the answer names it.
  part @2 :UInt32;
  parts @3 :UInt32;
  content @4 :Data;
  # A part of the bytes of an Errand.
}

# --- Executor -> coordinator ----------------------------------------------------------------------

struct JoinCluster {
  # Executor -> coordinator: let me in. The first message of every session.
  node @0 :Text;
  incarnation @1 :UInt64;
  termSeen @2 :UInt64;
  address @3 :Text;
  slots @4 :UInt32;
}

struct TaskReady {
  # Executor -> coordinator: this task takes input.
  fence @0 :Fence;
}

struct TaskSnapshotted {
  # Executor -> coordinator: the task has acknowledged an epoch.
  fence @0 :Fence;
  epoch @1 :UInt64;
  snapshot @2 :TaskSnapshot;
}

struct SourcesEnded {
  # Executor -> coordinator: the sources of this task have come to their end; the task stays.
  fence @0 :Fence;
}

struct TaskFinished {
  # Executor -> coordinator: done, and what it made is durable. Re-sent until AckReport.
  fence @0 :Fence;
  outputs @1 :List(OutputSummary);
  sink @2 :Text;
  # Vertex, where the chain ends in a sink.
  committables @3 :List(CommittableRef);
  counters @4 :TaskCounters;
}

enum FailureClass {
  userError @0;
  poisonRecord @1;
  nodeLost @2;
  resource @3;
  internal @4;
  nodeFault @5;
  stateLost @6;
}

struct TaskFailed {
  # Executor -> coordinator: stopped with an error. Re-sent until AckReport.
  fence @0 :Fence;
  failure @1 :FailureClass;
  code @2 :UInt16;
  message @3 :Text;
  hint @4 :Text;
  path @5 :Text;
  lostInputs @6 :List(TaskPeer);
  # Kept outputs that could not be read.
  reason @7 :UInt16;
}

struct TaskStopped {
  # Executor -> coordinator: a cancelled attempt is over and will never write again.
  fence @0 :Fence;
}

struct TaskProgress {
  # Executor -> coordinator: counts for people, about once a second. Nothing is decided by them.
  fence @0 :Fence;
  counters @1 :TaskCounters;
}

struct ErrandDone {
  # Executor -> coordinator: the errand is done, durably.
  fence @0 :Fence;
  number @1 :UInt64;
}

struct ErrandFailed {
  # Executor -> coordinator: the errand is not done, for this reason.
  fence @0 :Fence;
  number @1 :UInt64;
  code @2 :UInt16;
  message @3 :Text;
  hint @4 :Text;
  path @5 :Text;
  reason @6 :UInt16;
}

enum HeldState {
  deploying @0;
  ready @1;
  running @2;
  finished @3;
  failed @4;
  exhausted @5;
  # Running, and its sources have come to their end.
}

struct HeldTask {
  run @0 :UInt64;
  runAttempt @1 :UInt64;
  task @2 :TaskRef;
  attempt @3 :UInt64;
  term @4 :UInt64;
  state @5 :HeldState;
}

struct Inventory {
  # Executor -> coordinator: the answer to Adopt.
  incarnation @0 :UInt64;
  termSeen @1 :UInt64;
  adoptSeq @2 :UInt64;
  # Deployments that were sent after this Adopt are not in here.
  held @3 :List(HeldTask);
  snapshots @4 :List(Text);
  # Lineages of which there may be state files here.
}

# --- Durable ---------------------------------------------------------------------------------------

struct SplitsRecord {
  # What each subtask of each source stage reads, by stage and subtask; fixed when a run starts, so
  # that a task that runs again reads the same rows.
  struct Stage {
    subtasks @0 :List(Subtask);
  }
  struct Subtask {
    splits @0 :List(SplitRef);
  }
  stages @0 :List(Stage);
}

struct OutputsRecord {
  # What a finished attempt keeps for its consumers.
  outputs @0 :List(OutputSummary);
}

struct ManifestRecord {
  # Everything that an epoch of a run makes visible. In the row of the epoch.
  struct SinkPart {
    vertex @0 :Text;
    committables @1 :List(CommittableRef);
  }
  struct TaskPart {
    # What a task of a stream would be restored from.
    task @0 :TaskRef;
    files @1 :List(StoredSnapshot);
  }
  sinks @0 :List(SinkPart);
  tasks @1 :List(TaskPart);
  stagedBy @2 :Text;
  # The run whose attempts have staged it; empty: the one whose epoch it is.
}
