@0x9f3e1a7c52d8b046;
# What the two ends of a data channel say to each other beside the rows: credit, early ends, and
# asking a store for a partition or a state file that it keeps. The rows themselves are data frames (data.capnp).

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::schema");

struct ChannelRef {
  # Both ends derive it from what they were deployed with.
  run @0 :UInt64;
  channel @1 :UInt64;
  senderAttempt @2 :UInt64;
  receiverAttempt @3 :UInt64;
}

struct GrantCredit {
  # Receiver -> sender: what I have consumed since the channel was opened. Totals, so that a grant
  # that comes late or twice does no harm.
  channel @0 :ChannelRef;
  bytes @1 :UInt64;
  batches @2 :UInt64;
}

struct CloseChannel {
  # Receiver -> sender: I want nothing more.
  channel @0 :ChannelRef;
}

struct RowsLost {
  # Sender -> receiver: a data connection of mine to you has closed, and what was on it may be lost. Also
  # of channels whose sender has ended: only its node can still say so.
}

struct FetchPartition {
  # Executor -> store of another node: send me these rows on this channel. Answered by data frames,
  # or by FetchFailed.
  channel @0 :ChannelRef;
  producerStage @1 :UInt32;
  producerSubtask @2 :UInt32;
  edge @3 :UInt32;
  # Index in the task graph; the producer's attempt is the channel's sender.
  partition @4 :UInt32;
}

struct FetchSnapshot {
  # Executor -> store of another node: send me this state file on this channel, as rows of one byte.
  # Answered by data frames, or by FetchFailed.
  channel @0 :ChannelRef;
  # The asking node makes it up. No task has it.
  runUid @1 :Text;
  name @2 :Text;
}

struct FetchFailed {
  # Store -> executor of another node: it is not here, or cannot be read.
  channel @0 :ChannelRef;
  code @1 :UInt16;
  message @2 :Text;
}
