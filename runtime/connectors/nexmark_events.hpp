#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// What happens at the auction house of Nexmark, the benchmark that stream processors are compared
/// by: of 50 events in a row one is a new person, three are new auctions, 46 are bids.
enum class NexmarkTable { person, auction, bid };

/// The events, by number. All that is in one is computed from its number and the seed, so any part
/// of them can be made anywhere, at any time: people and auctions are named by the events that come
/// before. A few auctions and people are hot: half of all bids are for one auction in a hundred.
class NexmarkEvents {
 public:
  explicit NexmarkEvents(std::uint64_t seed) : seed_(seed) {}

  /// A column of a table: exactly one of the two is set.
  struct Column {
    const char* name;
    std::int64_t (NexmarkEvents::*number)(std::int64_t event) const = nullptr;
    void (NexmarkEvents::*text)(std::int64_t event, std::string& to) const = nullptr;
  };
  static const std::vector<Column>& columns(NexmarkTable table);

  /// The number of the event that row `row` of a table is.
  static std::int64_t event_of(NexmarkTable table, std::int64_t row);
  /// How many of the first `events` are rows of it.
  static std::int64_t rows_in(NexmarkTable table, std::int64_t events);
  /// Rows of it for an event, on average.
  static double share(NexmarkTable table);

 private:
  class Dice;
  Dice dice(std::int64_t event, std::uint32_t what) const;
  std::int64_t new_person(std::int64_t event) const;
  std::int64_t new_auction(std::int64_t event) const;
  std::int64_t some_person(std::int64_t event, std::uint32_t what, std::int64_t hot) const;
  void extra(std::int64_t event, std::int64_t bytes, std::string& to) const;

  std::int64_t time(std::int64_t event) const;
  // A person.
  std::int64_t person_id(std::int64_t event) const;
  void name(std::int64_t event, std::string& to) const;
  void email(std::int64_t event, std::string& to) const;
  void credit_card(std::int64_t event, std::string& to) const;
  void city(std::int64_t event, std::string& to) const;
  void state(std::int64_t event, std::string& to) const;
  void person_extra(std::int64_t event, std::string& to) const;
  // An auction.
  std::int64_t auction_id(std::int64_t event) const;
  void item(std::int64_t event, std::string& to) const;
  void description(std::int64_t event, std::string& to) const;
  std::int64_t initial_bid(std::int64_t event) const;
  std::int64_t reserve(std::int64_t event) const;
  std::int64_t expires(std::int64_t event) const;
  std::int64_t seller(std::int64_t event) const;
  std::int64_t category(std::int64_t event) const;
  void auction_extra(std::int64_t event, std::string& to) const;
  // A bid.
  std::int64_t auction(std::int64_t event) const;
  std::int64_t bidder(std::int64_t event) const;
  std::int64_t price(std::int64_t event) const;
  std::int64_t channel_number(std::int64_t event) const;
  void channel(std::int64_t event, std::string& to) const;
  void url(std::int64_t event, std::string& to) const;
  void bid_extra(std::int64_t event, std::string& to) const;

  const std::uint64_t seed_;
};

}  // namespace troupe
