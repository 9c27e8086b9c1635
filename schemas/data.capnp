@0xe2b1c95d40a7f836;
# The header of a data frame: one item of one channel between two tasks of different nodes.
# The columns follow as further parts of the same message, see runtime/wire/data_frame.hpp.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::schema");

struct DataHeader {
  cluster @0 :Text;
  senderIncarnation @1 :UInt64;
  receiverIncarnation @2 :UInt64;
  run @3 :UInt64;
  channel @4 :UInt64;
  senderAttempt @5 :UInt64;
  receiverAttempt @6 :UInt64;
  seq @7 :UInt64;
  # From 1, without gaps: data channels are never resumed, so a gap breaks the channel.

  item :union {
    batch @8 :BatchBody;
    watermark @9 :Int64;
    # Event time, microseconds since 1970.
    barrier :group {
      epoch @10 :UInt64;
      published @12 :UInt64;
      # The last epoch that is; 0: none.
    }
    endOfStream @11 :Void;
    idle @13 :Int64;
    # A watermark, of a channel for which nobody waits until its next one.
  }
}

struct BatchBody {
  rows @0 :UInt64;
  schema @1 :Data;
  # Arrow IPC schema message; present in the first batch of a channel and whenever it changes.
  dictionaries @2 :List(Section);
  # Those that the receiver does not have yet, each as a batch of one column.
  columns @3 :Section;
  parts @4 :List(UInt64);
  # Length of each message part after the header; their concatenation is the body.
}

struct Section {
  # One Arrow IPC record batch: its metadata here, its buffers as a range of the body.
  dictionary @0 :Int64;
  # Dictionary id; not used for the columns.
  metadata @1 :Data;
  offset @2 :UInt64;
  length @3 :UInt64;
}
