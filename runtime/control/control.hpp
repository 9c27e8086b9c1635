#pragma once

#include "runtime/base/result.hpp"
#include "runtime/control/requests.hpp"

#include <functional>
#include <future>
#include <memory>
#include <utility>

namespace troupe {

template <class R>
using AnswerTo = std::function<void(Result<typename R::Answer>)>;
using AnyAnswerTo = std::function<void(Result<AnyAnswer>)>;

/// Wraps an answer's function for code that does not know the kind of the request any more. The
/// answer must be of that kind.
template <class R>
AnyAnswerTo any_answer(AnswerTo<R> answer) {
  return [answer = std::move(answer)](Result<AnyAnswer> any) {
    if (!any) return answer(std::move(any).error());
    answer(std::get<typename R::Answer>(*std::move(any)));
  };
}

/// Takes requests: one interface for the gateway, for `troupe run` and for a service that embeds a
/// node. Calls return at once and may come from any thread. Each is answered exactly once, on a
/// thread of the node; if there is no coordinator, or it ends first, with `unavailable`, and
/// perhaps on the calling thread, before the call returns.
///
///     control.ask(ShowRun{run}, [](Result<RunView> view) { ... });
class Control {
 public:
  virtual ~Control() = default;

  template <class R>
  void ask(R request, AnswerTo<R> answer) {
    take(std::move(request), any_answer<R>(std::move(answer)));
  }
  /// For a request whose kind is known only at run time; its answer is of the same kind.
  virtual void take(AnyRequest request, AnyAnswerTo answer) = 0;
};

/// Blocks until the answer is there: for callers that have nothing else to do. Never call it on a
/// thread of the node.
template <class R>
Result<typename R::Answer> answer_of(Control& control, R request) {
  const auto promise = std::make_shared<std::promise<Result<typename R::Answer>>>();
  auto answer = promise->get_future();
  control.ask(std::move(request),
              AnswerTo<R>([promise](auto result) { promise->set_value(std::move(result)); }));
  return answer.get();
}

}  // namespace troupe
