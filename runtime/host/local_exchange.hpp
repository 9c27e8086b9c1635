#pragma once

#include "runtime/exec/channel.hpp"
#include "runtime/host/channel_key.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace troupe {

/// Where the two ends of a channel inside a node find each other: tasks are deployed one by one, in
/// any order. Safe from any thread.
class LocalExchange {
 public:
  /// Both ends ask with the same limits.
  std::unique_ptr<ChannelSender> sender(const ChannelKey& key, std::shared_ptr<TaskHost> host,
                                        ChannelLimits limits = {});
  std::unique_ptr<ChannelReceiver> receiver(const ChannelKey& key, std::shared_ptr<TaskHost> host,
                                            ChannelLimits limits = {});
  /// Forgets ends of this run whose other end never came.
  void drop(RunId run);
  std::size_t waiting() const;

 private:
  struct Half {
    Channel channel;
    bool sender = false;
    bool receiver = false;
  };
  Channel claim(const ChannelKey& key, ChannelLimits limits, bool Half::*end);

  mutable std::mutex mutex_;
  std::map<ChannelKey, Half> halves_;
};

}  // namespace troupe
