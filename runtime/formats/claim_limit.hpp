#pragma once

#include <cstdint>

namespace arrow {
class MemoryPool;
}

namespace troupe {

/// Memory for whoever decodes a file of so many bytes. It is Arrow's default memory, but a single
/// reservation that no file of this size can fill is refused (`Invalid`, so that it is told as
/// damage of the file): a damaged length must not reserve what it claims. Lives for ever.
arrow::MemoryPool* memory_for_file(std::int64_t file_bytes);

/// What a codec packs into a byte at most: a run of Zstandard has 128 KiB in four. Brotli can pack
/// more, so that a file of one enormous text is refused: what it takes to read is a gigabyte, too.
inline constexpr std::int64_t unpacked_bytes_max = 32768;
/// Decoders reserve for a whole batch, however small the file.
inline constexpr std::int64_t reserved_bytes_min = std::int64_t{64} << 20;

}  // namespace troupe
