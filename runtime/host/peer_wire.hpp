#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"
#include "runtime/wire/data_frame.hpp"
#include "runtime/wire/frame.hpp"

#include <string>

namespace troupe {

/// How messages leave a node: a link, or what plays one in a test. Any thread; returns at once.
class PeerWire {
 public:
  virtual ~PeerWire() = default;
  /// Arrives once and in order while the session with the peer lasts; `unavailable` where there is
  /// none now.
  virtual Result<> send(const NodeId& peer, Frame frame) = 0;
  virtual Result<> send_data(const NodeId& peer, DataFrame frame) = 0;
  /// Keeps a session with this peer from now on.
  virtual Result<> connect(const NodeId& peer, const std::string& address,
                           bool final_when_lost = false) = 0;
};

}  // namespace troupe
