#pragma once

#include "runtime/cluster/admission_machine.hpp"
#include "tests/sim/mutation.hpp"

namespace troupe::sim {

/// The ledger of slots with one of the mistakes that somebody could make in it.
class FaultyAdmission final : public AdmissionMachine {
 public:
  explicit FaultyAdmission(Mutation mutation) : mutation_(mutation) {}

  void on(const AdmissionEvent& event) override {
    const bool freed = std::holds_alternative<effect::Free>(event);
    const bool gone = std::holds_alternative<admission_event::NodeGone>(event);
    somebody_asks_ = std::holds_alternative<effect::Need>(event);
    if (mutation_ == Mutation::freed_slot_kept && freed) return;
    if (mutation_ == Mutation::gone_node_granted && gone) return;
    AdmissionMachine::on(event);
  }

  std::optional<Grant> next_grant() override {
    // What has become free is given to whoever comes next, instead of to whoever waits.
    if (mutation_ == Mutation::waiting_not_woken && !somebody_asks_) return {};
    auto grant = AdmissionMachine::next_grant();
    if (mutation_ == Mutation::grant_counted_twice && grant) {
      AdmissionMachine::on(effect::Hold{{RunId(), twice_++}, grant->nodes});
    }
    return grant;
  }

 private:
  Mutation mutation_;
  bool somebody_asks_ = false;
  std::size_t twice_ = 0;
};

}  // namespace troupe::sim
