#include "runtime/connectors/nexmark_events.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>

namespace troupe {
namespace {

// Of so many events in a row: first the people, then the auctions, then the bids.
constexpr std::int64_t round = 50;
constexpr std::int64_t people = 1;
constexpr std::int64_t auctions = 3;
constexpr std::int64_t bids = round - people - auctions;

/// 2015-07-15, and so many events in each millisecond of their own time.
constexpr std::int64_t begin_ms = 1'436'918'400'000;
constexpr std::int64_t events_a_ms = 10;

constexpr std::int64_t first_id = 1000;
constexpr std::int64_t first_category = 10;
constexpr std::int64_t categories = 5;

/// Auctions that are open, and people who do something, at any time; and how many of those that
/// come next are named before they do.
constexpr std::int64_t auctions_open = 100;
constexpr std::int64_t people_active = 1000;
constexpr std::int64_t ahead = 10;

/// One in a hundred is hot; one in so many picks is of the others.
constexpr std::int64_t hot_block = 100;
constexpr std::uint64_t cold_auction_in = 2, cold_seller_in = 4, cold_bidder_in = 4;

constexpr std::int64_t channels = 10'000;
constexpr std::array<std::string_view, 4> hot_channels = {"Google", "Facebook", "Baidu", "Apple"};

constexpr std::array<std::string_view, 11> first_names = {
    "peter", "paul", "luke", "john", "saul", "vicky", "kate", "julie", "sarah", "deiter", "walter"};
constexpr std::array<std::string_view, 9> last_names = {
    "shultz", "abrams", "spencer", "white", "bartels", "walton", "smith", "jones", "noris"};
constexpr std::array<std::string_view, 10> cities = {
    "phoenix", "los angeles", "san francisco", "boise", "portland",
    "bend",    "redmond",     "seattle",       "kent",  "cheyenne"};
constexpr std::array<std::string_view, 6> states = {"az", "ca", "id", "or", "wa", "wy"};

/// What is decided by chance, each by chances of its own: a column is the same whether others are
/// made or not.
enum What : std::uint32_t {
  of_name,
  of_email,
  of_card,
  of_city,
  of_state,
  of_extra,
  of_item,
  of_description,
  of_initial,
  of_reserve,
  of_length,
  of_seller,
  of_category,
  of_auction,
  of_bidder,
  of_price,
  of_channel,
  of_url
};

std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

/// Chances of one event for one purpose, as many as it takes.
class NexmarkEvents::Dice {
 public:
  explicit Dice(std::uint64_t state) : state_(state) {}

  std::uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15u); }
  std::uint64_t below(std::uint64_t limit) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * limit) >> 64);
  }
  template <class List>
  typename List::value_type of(const List& list) {
    return list[below(list.size())];
  }
  /// From one to ten million, as many of each number of digits.
  std::int64_t price() {
    const double part = static_cast<double>(next() >> 11) * 0x1.0p-53;
    return static_cast<std::int64_t>(std::llround(std::pow(10.0, part * 6) * 100));
  }
  void letters(std::int64_t count, std::string& to) {
    std::uint64_t bits = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      if (i % 12 == 0) bits = next();
      to += static_cast<char>('a' + ((bits & 31) * 26 >> 5));
      bits >>= 5;
    }
  }

 private:
  std::uint64_t state_;
};

NexmarkEvents::Dice NexmarkEvents::dice(std::int64_t event, std::uint32_t what) const {
  return Dice(mixed(mixed(seed_ + what) + static_cast<std::uint64_t>(event)));
}

std::int64_t NexmarkEvents::event_of(NexmarkTable table, std::int64_t row) {
  switch (table) {
    case NexmarkTable::person:
      return row * round;
    case NexmarkTable::auction:
      return row / auctions * round + people + row % auctions;
    case NexmarkTable::bid:
      break;
  }
  return row / bids * round + people + auctions + row % bids;
}

std::int64_t NexmarkEvents::rows_in(NexmarkTable table, std::int64_t events) {
  const auto in_part = [&](std::int64_t before, std::int64_t each) {
    return events / round * each + std::clamp<std::int64_t>(events % round - before, 0, each);
  };
  switch (table) {
    case NexmarkTable::person:
      return in_part(0, people);
    case NexmarkTable::auction:
      return in_part(people, auctions);
    case NexmarkTable::bid:
      break;
  }
  return in_part(people + auctions, bids);
}

double NexmarkEvents::share(NexmarkTable table) {
  return static_cast<double>(rows_in(table, round)) / round;
}

const std::vector<NexmarkEvents::Column>& NexmarkEvents::columns(NexmarkTable table) {
  using E = NexmarkEvents;
  static const std::vector<Column> of_person = {
      {"id", &E::person_id},
      {"name", nullptr, &E::name},
      {"emailAddress", nullptr, &E::email},
      {"creditCard", nullptr, &E::credit_card},
      {"city", nullptr, &E::city},
      {"state", nullptr, &E::state},
      {"evtime", &E::time},
      {"extra", nullptr, &E::person_extra},
  };
  static const std::vector<Column> of_auction = {
      {"id", &E::auction_id},
      {"itemName", nullptr, &E::item},
      {"description", nullptr, &E::description},
      {"initialBid", &E::initial_bid},
      {"reserve", &E::reserve},
      {"evtime", &E::time},
      {"expires", &E::expires},
      {"seller", &E::seller},
      {"category", &E::category},
      {"extra", nullptr, &E::auction_extra},
  };
  static const std::vector<Column> of_bid = {
      {"auction", &E::auction},          {"bidder", &E::bidder},    {"price", &E::price},
      {"channel", nullptr, &E::channel}, {"url", nullptr, &E::url}, {"evtime", &E::time},
      {"extra", nullptr, &E::bid_extra},
  };
  return table == NexmarkTable::person    ? of_person
         : table == NexmarkTable::auction ? of_auction
                                          : of_bid;
}

std::int64_t NexmarkEvents::time(std::int64_t event) const {
  return begin_ms + event / events_a_ms;
}

/// The last person who has come by then, from 0.
std::int64_t NexmarkEvents::new_person(std::int64_t event) const { return event / round * people; }

/// The last auction that has begun by then, from 0; -1 before the first one.
std::int64_t NexmarkEvents::new_auction(std::int64_t event) const {
  return rows_in(NexmarkTable::auction, event + 1) - 1;
}

/// Mostly one who is hot: the `hot`th of the last hundred.
std::int64_t NexmarkEvents::some_person(std::int64_t event, std::uint32_t what,
                                        std::int64_t hot) const {
  Dice dice = this->dice(event, what);
  const std::int64_t last = new_person(event);
  const std::uint64_t cold_in = what == of_seller ? cold_seller_in : cold_bidder_in;
  if (dice.below(cold_in) > 0) return first_id + last / hot_block * hot_block + hot;
  const std::int64_t active = std::min(last + 1, people_active);
  const auto pick =
      static_cast<std::int64_t>(dice.below(static_cast<std::uint64_t>(active + ahead)));
  return first_id + last + 1 - active + pick;
}

/// So that a row has about so many bytes: a fifth more or less.
void NexmarkEvents::extra(std::int64_t event, std::int64_t bytes, std::string& to) const {
  Dice dice = this->dice(event, of_extra);
  const std::int64_t fifth = bytes / 5;
  const auto more = static_cast<std::int64_t>(dice.below(static_cast<std::uint64_t>(2 * fifth)));
  dice.letters(bytes - fifth + more, to);
}

std::int64_t NexmarkEvents::person_id(std::int64_t event) const {
  return first_id + new_person(event);
}

void NexmarkEvents::name(std::int64_t event, std::string& to) const {
  Dice dice = this->dice(event, of_name);
  to += dice.of(first_names);
  to += ' ';
  to += dice.of(last_names);
}

void NexmarkEvents::email(std::int64_t event, std::string& to) const {
  Dice dice = this->dice(event, of_email);
  dice.letters(7, to);
  to += '@';
  dice.letters(5, to);
  to += ".com";
}

void NexmarkEvents::credit_card(std::int64_t event, std::string& to) const {
  Dice dice = this->dice(event, of_card);
  for (int i = 0; i < 4; ++i) {
    fmt::format_to(std::back_inserter(to), "{}{:04}", i == 0 ? "" : " ", dice.below(10'000));
  }
}

void NexmarkEvents::city(std::int64_t event, std::string& to) const {
  to += dice(event, of_city).of(cities);
}

void NexmarkEvents::state(std::int64_t event, std::string& to) const {
  to += dice(event, of_state).of(states);
}

void NexmarkEvents::person_extra(std::int64_t event, std::string& to) const {
  extra(event, 110, to);
}

std::int64_t NexmarkEvents::auction_id(std::int64_t event) const {
  return first_id + new_auction(event);
}

void NexmarkEvents::item(std::int64_t event, std::string& to) const {
  Dice dice = this->dice(event, of_item);
  dice.letters(3 + static_cast<std::int64_t>(dice.below(17)), to);
}

void NexmarkEvents::description(std::int64_t event, std::string& to) const {
  Dice dice = this->dice(event, of_description);
  dice.letters(3 + static_cast<std::int64_t>(dice.below(97)), to);
}

std::int64_t NexmarkEvents::initial_bid(std::int64_t event) const {
  return dice(event, of_initial).price();
}

std::int64_t NexmarkEvents::reserve(std::int64_t event) const {
  return initial_bid(event) + dice(event, of_reserve).price();
}

/// So that about as many auctions as shall be are open.
std::int64_t NexmarkEvents::expires(std::int64_t event) const {
  constexpr std::int64_t horizon_ms = auctions_open * round / auctions / events_a_ms;
  const auto length = dice(event, of_length).below(static_cast<std::uint64_t>(2 * horizon_ms));
  return time(event) + 1 + static_cast<std::int64_t>(length);
}

std::int64_t NexmarkEvents::seller(std::int64_t event) const {
  return some_person(event, of_seller, 0);
}

std::int64_t NexmarkEvents::category(std::int64_t event) const {
  return first_category + static_cast<std::int64_t>(dice(event, of_category).below(categories));
}

void NexmarkEvents::auction_extra(std::int64_t event, std::string& to) const {
  extra(event, 380, to);
}

std::int64_t NexmarkEvents::auction(std::int64_t event) const {
  Dice dice = this->dice(event, of_auction);
  const std::int64_t last = new_auction(event);
  if (dice.below(cold_auction_in) > 0) return first_id + last / hot_block * hot_block;
  const std::int64_t least = std::max<std::int64_t>(last - auctions_open, 0);
  const auto of = static_cast<std::uint64_t>(last - least + 1 + ahead);
  return first_id + least + static_cast<std::int64_t>(dice.below(of));
}

std::int64_t NexmarkEvents::bidder(std::int64_t event) const {
  return some_person(event, of_bidder, 1);
}

std::int64_t NexmarkEvents::price(std::int64_t event) const {
  return dice(event, of_price).price();
}

/// Below zero, a hot one.
std::int64_t NexmarkEvents::channel_number(std::int64_t event) const {
  Dice dice = this->dice(event, of_channel);
  if (dice.below(2) > 0) return -1 - static_cast<std::int64_t>(dice.below(hot_channels.size()));
  return static_cast<std::int64_t>(dice.below(channels));
}

void NexmarkEvents::channel(std::int64_t event, std::string& to) const {
  const std::int64_t number = channel_number(event);
  if (number < 0) {
    to += hot_channels[static_cast<std::size_t>(-1 - number)];
  } else {
    fmt::format_to(std::back_inserter(to), "channel-{}", number);
  }
}

/// Each channel has one.
void NexmarkEvents::url(std::int64_t event, std::string& to) const {
  const std::int64_t number = channel_number(event);
  Dice dice = this->dice(number, of_url);
  to += "https://www.nexmark.com/";
  for (int i = 0; i < 3; ++i) {
    dice.letters(5, to);
    to += '/';
  }
  to += "item.htm?query=1";
  if (number >= 0) fmt::format_to(std::back_inserter(to), "&channel_id={}", dice.next() >> 33);
}

void NexmarkEvents::bid_extra(std::int64_t event, std::string& to) const { extra(event, 68, to); }

}  // namespace troupe
