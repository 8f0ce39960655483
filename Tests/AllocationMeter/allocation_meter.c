// Test equipment, linked into the fuzzer alone: it stands before the C library's allocator and counts live bytes. It is C
// because these functions must stand under the allocator's own names, and must not allocate themselves.

#include "allocation_meter.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_llong live, peak, marked;

static void *added(void *memory) {
  if (memory == NULL) return NULL;
  long long size = (long long)malloc_usable_size(memory);
  long long now = atomic_fetch_add_explicit(&live, size, memory_order_relaxed) + size;
  long long before = atomic_load_explicit(&peak, memory_order_relaxed);
  while (now > before &&
         !atomic_compare_exchange_weak_explicit(&peak, &before, now, memory_order_relaxed, memory_order_relaxed)) {
  }
  return memory;
}

static void removed(void *memory) {
  if (memory == NULL) return;
  atomic_fetch_sub_explicit(&live, (long long)malloc_usable_size(memory), memory_order_relaxed);
}

void allocation_mark(void) {
  long long now = atomic_load_explicit(&live, memory_order_relaxed);
  atomic_store_explicit(&marked, now, memory_order_relaxed);
  atomic_store_explicit(&peak, now, memory_order_relaxed);
}

size_t allocation_peak(void) {
  long long above = atomic_load_explicit(&peak, memory_order_relaxed) -
                    atomic_load_explicit(&marked, memory_order_relaxed);
  return above > 0 ? (size_t)above : 0;
}

void *malloc(size_t size) { return added(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return added(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return added(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
  void *memory = memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

void *realloc(void *memory, size_t size) {
  long long before = memory == NULL ? 0 : (long long)malloc_usable_size(memory);
  void *moved = __libc_realloc(memory, size);
  if (moved == NULL && size != 0) return NULL;
  atomic_fetch_sub_explicit(&live, before, memory_order_relaxed);
  return added(moved);
}

void free(void *memory) {
  removed(memory);
  __libc_free(memory);
}
