#pragma once

#include "runtime/protocol/messages.hpp"
#include "runtime/wire/frame.hpp"

#include <string_view>

namespace troupe {

/// The messages of `messages.hpp` as frames, and back. A frame comes from outside: whatever
/// does not have the shape its kind promises is `corrupt`, never a crash.

/// The sender that a frame names. The receiver's session checks it.
struct Sender {
  ClusterName cluster;
  NodeId node;
  Incarnation incarnation;
};

/// The tokens of the message itself go into the envelope.
Frame frame_of(const Command& command, const Sender& sender);
Frame frame_of(const Report& report, const Sender& sender);

/// True if the frame's kind is one of these. Messages of other rooms share the link.
bool is_command(const Frame& frame);
bool is_report(const Frame& frame);
Result<Command> command_of(const Frame& frame);
Result<Report> report_of(const Frame& frame);

/// Addresses of the two ends on every node.
inline constexpr std::string_view coordinator_address = "coordinator";
inline constexpr std::string_view executor_address = "executor";

}  // namespace troupe
