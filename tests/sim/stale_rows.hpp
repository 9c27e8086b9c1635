#pragma once

#include "runtime/host/channel_key.hpp"
#include "runtime/wire/data_frame.hpp"

#include <capnp/message.h>

#include <map>
#include <utility>

namespace troupe::sim {

/// A mutant's: rows of whichever attempt are taken for the next ones of the channel that is open
/// now, however often they come.
class StaleRows {
 public:
  /// A consumer is deployed: what its channels will be told is in the names of these attempts.
  void expect(const DeployTask& deploy) {
    for (const EdgePeers& in : deploy.inputs) {
      for (const TaskPeer& peer : in.peers) {
        const ChannelId channel = channel_id(in.edge, peer.task.subtask, deploy.token.task.subtask);
        channels_[{deploy.token.run, channel}] = {peer.attempt, deploy.token.attempt};
      }
    }
  }

  DataFrame renamed(const DataFrame& frame) {
    const DataTokens tokens = frame.tokens();
    const auto found = channels_.find({tokens.run, tokens.channel});
    if (found == channels_.end()) return frame;
    capnp::MallocMessageBuilder message;
    message.setRoot(frame.header());
    auto header = message.getRoot<schema::DataHeader>();
    header.setSenderAttempt(found->second.sender.value());
    header.setReceiverAttempt(found->second.receiver.value());
    header.setSeq(++found->second.taken);
    const MessageParts& parts = frame.parts();
    return DataFrame::build(message, MessageParts(parts.begin() + 1, parts.end()));
  }

 private:
  struct Open {
    Attempt sender;
    Attempt receiver;
    std::uint64_t taken = 0;
  };
  std::map<std::pair<RunId, ChannelId>, Open> channels_;
};

}  // namespace troupe::sim
