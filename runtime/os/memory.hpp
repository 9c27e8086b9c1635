#pragma once

namespace troupe {

/// The door to the allocator: how this process holds memory. `main` calls it first, before there
/// are threads; what embeds a node decides for itself.
///
/// Batches are made by one thread and given back by another, a few MB at a time, again and again.
/// Arrow's own allocator keeps what each thread has given back apart, and returns pages so early
/// that a warm engine spends a quarter of its time having them cleared; the C library's does not,
/// provided that there are few arenas and that it keeps what will be needed again at once.
void arrange_memory();

}  // namespace troupe
