// Runs a fuzz target without libFuzzer: mutates its corpus from a seed, a bounded number of times.
#include "runtime/os/random.hpp"
#include "tests/fuzz/fuzz_target.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace troupe {
namespace {

constexpr std::uint64_t rounds_default = 20'000;
/// No input takes a second; one that takes this long hangs, also on a busy machine.
constexpr unsigned hang_s = 60;
constexpr std::size_t input_bytes_max = std::size_t{1} << 20;

/// Numbers that sit at the edges of what decoders compare with.
constexpr std::uint64_t edges[] = {0,
                                   1,
                                   7,
                                   8,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0xffff,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x7fffffffffffffff,
                                   ~std::uint64_t{0}};

void put_number(std::string& bytes, Random& random) {
  const std::size_t width = std::size_t{1} << random.below(4);
  if (bytes.size() < width) return;
  const std::uint64_t number = edges[random.below(std::size(edges))];
  std::memcpy(bytes.data() + random.below(bytes.size() - width + 1), &number, width);
}

void move_range(std::string& bytes, Random& random) {
  const std::size_t from = random.below(bytes.size());
  const std::size_t length = 1 + random.below(std::min<std::size_t>(bytes.size() - from, 64));
  const std::string range = bytes.substr(from, length);
  const std::size_t to = random.below(bytes.size() - length + 1);
  bytes.replace(to, length, range);
}

void mutate_once(std::string& bytes, const std::vector<std::string>& corpus, Random& random) {
  if (bytes.empty()) bytes.assign(8, '\0');
  switch (random.below(8)) {
    case 0:
    case 1:
      bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
      break;
    case 2:
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
      break;
    case 3:
    case 4:
      put_number(bytes, random);
      break;
    case 5:
      move_range(bytes, random);
      break;
    case 6:
      bytes.resize(random.below(bytes.size() + 1));
      break;
    default: {  // the tail of another input
      const std::string& other = corpus[random.below(corpus.size())];
      if (!other.empty()) bytes += other.substr(random.below(other.size()));
    }
  }
  if (bytes.size() > input_bytes_max) bytes.resize(input_bytes_max);
}

/// The input at hand, in memory of exactly its size that ends at an unreadable page: one byte read
/// too far is a crash, also without a sanitizer.
class GuardedInput {
 public:
  GuardedInput() : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
    size_ = (2 * input_bytes_max / page_ + 1) * page_;
    memory_ = static_cast<std::uint8_t*>(
        ::mmap(nullptr, size_ + page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::mprotect(memory_ + size_, page_, PROT_NONE);
  }
  const std::uint8_t* place(const std::string& bytes) {
    std::uint8_t* begin = memory_ + size_ - bytes.size();
    std::memcpy(begin, bytes.data(), bytes.size());
    return begin;
  }

 private:
  std::size_t page_;
  std::size_t size_;
  std::uint8_t* memory_;
};

/// Written before each input runs, into memory that the kernel keeps when the process dies.
class CrashFile {
 public:
  void keep(const std::string& bytes) {
    if (file_ == nullptr) file_ = std::fopen("crash-input", "wb");
    if (file_ == nullptr) return;
    std::rewind(file_);
    std::fwrite(bytes.data(), 1, bytes.size(), file_);
    std::fflush(file_);
    if (::ftruncate(::fileno(file_), static_cast<off_t>(bytes.size())) != 0)
      std::perror("truncate");
  }
  void forget() {
    if (file_ != nullptr) std::fclose(file_);
    std::remove("crash-input");
  }

 private:
  std::FILE* file_ = nullptr;
};

/// Runs inputs one by one, keeps the one at hand for a crash, and counts.
class Inputs {
 public:
  void run(const std::string& bytes) {
    crash_.keep(bytes);
    ::alarm(hang_s);
    refused_ += LLVMFuzzerTestOneInput(input_.place(bytes), bytes.size()) == fuzz_refused;
    ::alarm(0);
    ++count_;
  }
  void survived(std::uint64_t seed) {
    crash_.forget();
    std::printf("%llu inputs, seed %llu: survived, %llu refused\n", as_number(count_),
                as_number(seed), as_number(refused_));
  }

 private:
  static unsigned long long as_number(std::uint64_t number) { return number; }

  GuardedInput input_;
  CrashFile crash_;
  std::uint64_t count_ = 0;
  std::uint64_t refused_ = 0;
};

int run_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  GuardedInput input;
  return LLVMFuzzerTestOneInput(input.place(bytes), bytes.size());
}

int run(std::uint64_t rounds, std::uint64_t seed) {
  const auto corpus = fuzz_corpus();
  Random random(seed);
  Inputs inputs;
  for (const auto& sound : corpus) inputs.run(sound);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    std::string bytes = corpus[random.below(corpus.size())];
    for (std::uint64_t i = 1 + random.below(4); i > 0; --i) mutate_once(bytes, corpus, random);
    inputs.run(bytes);
  }
  inputs.survived(seed);
  return 0;
}

/// What happens to files: each is cut somewhere, or has one bit turned.
int run_damage(std::uint64_t rounds, std::uint64_t seed) {
  const auto corpus = fuzz_corpus();
  Random random(seed);
  Inputs inputs;
  for (std::uint64_t round = 0; round < 2 * rounds; ++round) {
    std::string bytes = corpus[random.below(corpus.size())];
    if (round % 2 == 0) {
      bytes.resize(random.below(bytes.size()));
    } else {
      bytes[random.below(bytes.size())] ^= static_cast<char>(1 << random.below(8));
    }
    inputs.run(bytes);
  }
  inputs.survived(seed);
  return 0;
}

}  // namespace
}  // namespace troupe

int main(int count, char** arguments) {
  const auto number = [&](int index, std::uint64_t otherwise) {
    return count > index ? std::strtoull(arguments[index], nullptr, 10) : otherwise;
  };
  if (count >= 3 && std::string(arguments[1]) == "--damage") {
    return troupe::run_damage(number(2, 0), number(3, 1));
  }
  if (count == 2 && number(1, 0) == 0) return troupe::run_file(arguments[1]);
  return troupe::run(number(1, troupe::rounds_default), number(2, 1));
}
