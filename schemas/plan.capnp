@0xa3c7d1f0825be96d;
# The canonical plan of a job: what is hashed, stored with each version and sent to executors.
# Equal jobs have equal bytes: vertices in order, `with` as JSON with its parameters sorted, written
# as one canonical segment. See runtime/graph/job_graph.hpp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::schema");

struct Plan {
  format @0 :UInt32;
  # 1: this layout. A reader refuses a later one.
  name @1 :Text;
  settings @2 :PlanSettings;
  vertices @3 :List(PlanVertex);
  # Producers before consumers.
}

struct PlanSettings {
  parallelism @0 :UInt32;
  # 0: not set.
  memoryBytes @1 :Int64;
  restartAttempts @2 :UInt32;
  restartWindowNs @3 :Int64;
  restartInitialDelayNs @4 :Int64;
  restartMaxDelayNs @5 :Int64;
  mode @6 :UInt16;
  # 0: batch, 1: streaming.
  checkpointEveryNs @7 :Int64 = 1000000000;
  # Of a streaming job.
  checkpointTimeoutNs @8 :Int64 = 60000000000;
  checkpointKeep @9 :UInt32 = 3;
  checkpointDirectory @10 :Text;
  checkpointCopiesMin @11 :UInt32 = 1;
}

struct PlanVertex {
  id @0 :Text;
  op @1 :Text;
  with @2 :Text;
  # JSON; names of parameters sorted, what is below them in the order of its author.
  inputs @3 :List(PlanInput);
  parallelism @4 :UInt32;
  # 0: not set.
  resolved @5 :Data;
  # A source's schema, as an Arrow IPC schema message; empty: not bound yet.
  projection :union {
    all @6 :Void;
    columns @7 :List(Text);
  }
  predicate @8 :Text;
  eventTime @9 :PlanTime;
  # Of a source; none: its rows have no event time.
}

struct PlanInput {
  vertex @0 :UInt32;
  # Index of the producer, smaller than the reader's own.
  unusedNumber @1 :UInt32;
  port @2 :Text;
  # The name of one of the producer's outputs; empty: the first one.
}

struct PlanTime {
  value @0 :Text;
  # SQL over the source's columns.
  maxOutOfOrderNs @1 :Int64;
  idleAfterNs @2 :Int64;
  # 0: none.
}
