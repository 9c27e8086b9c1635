@0xd8a3a7f3a1f0c4b1;
# What nodes say to each other, and the envelope of every control message.
#
# A message is a struct; nothing else has to be told about it: its type id is the `kind` of the
# envelope that carries it. Commands are imperative (DeployTask), events past tense (TaskFailed),
# queries GetX with the reply X. The comment above a struct begins with the direction. Fields are
# only ever appended.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("troupe::schema");

const protocolVersion :UInt16 = 1;
# Raised when an old and a new node could misunderstand each other; appended fields do not raise it.

struct Envelope {
  # Everything that travels as a control message, on a node and between nodes, byte for byte.

  proto @0 :UInt16;
  cluster @1 :Text;
  # By its name.
  sender @2 :Text;
  # Node id of the sender. Believed only if it belongs to the CURVE key the bytes came with.

  senderIncarnation @3 :UInt64;
  receiverIncarnation @4 :UInt64;
  # ZeroMQ re-sends what is queued to whoever answers on an address: each side drops what was meant
  # for another incarnation. 0 in a Hello that does not know its receiver yet.

  senderSession @5 :UInt32;
  receiverSession @6 :UInt32;
  # Which conversation of these two incarnations: the pair is new after each loss of a session.

  seq @7 :UInt64;
  ack @8 :UInt64;
  # Messages of a session are numbered from 1 and acknowledged cumulatively; session messages have
  # number 0 and are never repeated.

  term @9 :UInt64;
  run @10 :UInt64;
  runAttempt @11 :UInt64;
  taskStage @12 :UInt32;
  taskSubtask @13 :UInt32;
  taskAttempt @14 :UInt64;
  # The tokens: who this message acts for. 0 where none is meant. The receiver compares them.

  to @15 :Text;
  # Address of the actor that shall receive it, e.g. "executor" or "task/7/3.1".
  from @16 :Text;
  # Address of the actor that sent it, for the answer; empty where none is expected.
  correlation @17 :UInt64;
  # Of a request and its answer; 0 is no request.
  kind @18 :UInt64;
  # Type id of the struct in `body`.
  body @19 :AnyPointer;

  clusterId @20 :Text;
  # One of the tokens: the metadata that the coordinator leads by, unique for ever.
}

# --- Session messages: spoken by the links themselves, never delivered to an actor ---------------

struct Hello {
  # Node -> node, first thing on each new connection: who I am and how far I got with you.
  address @0 :Text;
  # Where the sender can be reached, "tcp://10.0.0.7:7070"; empty: it cannot be called back.
  received @1 :UInt64;
  # Highest message processed of the session named by the envelope's receiver fields.
  leaseMillis @2 :UInt32;
  # How long the sender waits in silence before it gives its peer up.
  clock @3 :ClockStamp;
  process @4 :UInt64;
  # Drawn at random by each process: an incarnation that two of them claim belongs to the first.
}

struct Welcome {
  # Node -> node, the answer to a Hello: accepted, and how far I got with you.
  received @0 :UInt64;
  leaseMillis @1 :UInt32;
  clock @2 :ClockStamp;
  process @3 :UInt64;
  # As in Hello.
}

struct ClockStamp {
  # Proves how fresh a lease is, without comparing two clocks.
  sentAt @0 :Int64;
  # The sender's monotonic clock; means nothing to the receiver, who returns it.
  echo @1 :Int64;
  # The highest sentAt that the sender has received from its peer; 0 is none.
}

struct Reject {
  # Node -> node, the answer to a frame of somebody who may not speak here.
  code @0 :RejectCode;
  text @1 :Text;
  # What is wrong and what to do, for the log of the rejected node.
}

enum RejectCode {
  protocolVersion @0;
  wrongCluster @1;
  unknownKey @2;
  impostor @3;
}

struct Fenced {
  # Node -> node: this incarnation is over, whatever it still believes. It must stop acting.
  highestIncarnation @0 :UInt64;
  # The highest one seen of this node: a new process must use a higher one.
  text @1 :Text;
}

struct Heartbeat {
  # Node -> node, every heartbeat and whenever many messages wait for their acknowledgement.
  clock @0 :ClockStamp;
  canaryAgeMillis @1 :UInt32;
  # How long ago the sender's scheduler last ran an actor on time: it can hang while links live.
}

struct Goodbye {
  # Node -> node: leaving on purpose; what I ran has stopped.
  reason @0 :Text;
}
