#include "runtime/host/local_exchange.hpp"

#include "runtime/base/ensure.hpp"

namespace troupe {

Channel LocalExchange::claim(const ChannelKey& key, ChannelLimits limits, bool Half::*end) {
  std::lock_guard lock(mutex_);
  auto half = halves_.try_emplace(key, Half{Channel(limits)}).first;
  ENSURE(!(half->second.*end), "channel {} of run {} was opened twice", key.channel, key.run);
  half->second.*end = true;
  Channel channel = half->second.channel;
  if (half->second.sender && half->second.receiver) halves_.erase(half);
  return channel;
}

std::unique_ptr<ChannelSender> LocalExchange::sender(const ChannelKey& key,
                                                     std::shared_ptr<TaskHost> host,
                                                     ChannelLimits limits) {
  return claim(key, limits, &Half::sender).sender(std::move(host));
}

std::unique_ptr<ChannelReceiver> LocalExchange::receiver(const ChannelKey& key,
                                                         std::shared_ptr<TaskHost> host,
                                                         ChannelLimits limits) {
  return claim(key, limits, &Half::receiver).receiver(std::move(host));
}

void LocalExchange::drop(RunId run) {
  std::lock_guard lock(mutex_);
  std::erase_if(halves_, [&](const auto& entry) { return entry.first.run == run; });
}

std::size_t LocalExchange::waiting() const {
  std::lock_guard lock(mutex_);
  return halves_.size();
}

}  // namespace troupe
