/* tests/model/hooks.c - what the compiler calls for each plain access, and what stands in for the
 * system: memory, words to wait for, assertions, the clock.
 *
 * Memory is given out by each thread from a region of its own, so that addresses depend on what the
 * thread has done and on nothing else, and it is never given out twice in one execution: a use of
 * what was freed is found whenever it happens.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "model/engine.h"
#include "model/hooks.h"
#include "model/model.h"
#include "port/host.h"

/* -- plain accesses ---------------------------------------------------------------------------- */

#define ACCESS(name, size, write)                                                                  \
    void name(void *at);                                                                           \
    void name(void *at)                                                                            \
    {                                                                                              \
        model_plain(at, size, write);                                                              \
    }
#define ACCESSES(size)                                                                             \
    ACCESS(__tsan_read##size, size, false)                                                         \
    ACCESS(__tsan_write##size, size, true)                                                         \
    ACCESS(__tsan_unaligned_read##size, size, false)                                               \
    ACCESS(__tsan_unaligned_write##size, size, true)
ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
#undef ACCESSES
#undef ACCESS

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(void *at, size_t size);
void __tsan_write_range(void *at, size_t size);

void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *at, size_t size)
{
    model_plain(at, size, false);
}

void __tsan_write_range(void *at, size_t size)
{
    model_plain(at, size, true);
}

void *model_memcpy(void *to, const void *from, size_t size)
{
    model_plain(from, size, false);
    model_plain(to, size, true);
    return memcpy(to, from, size);
}

void *model_memset(void *to, int byte, size_t size)
{
    model_plain(to, size, true);
    return memset(to, byte, size);
}

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memset(void *to, int byte, size_t size);

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    return model_memcpy(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size)
{
    return model_memset(to, byte, size);
}

/* -- base/mem.h -------------------------------------------------------------------------------- */

struct block {
    size_t size;
    size_t unused;
    char bytes[];
};

enum { REGION_BYTES = 64 * 1024 };
static char regions[MODEL_THREADS][REGION_BYTES] __attribute__((aligned(64)));
static size_t region_used[MODEL_THREADS];
static int64_t live;

void model_heap_reset(void)
{
    memset(region_used, 0, sizeof region_used);
    live = 0;
}

uint64_t model_heap_hash(void)
{
    uint64_t hash = 0;
    for (int i = 0; i < MODEL_THREADS; i++)
        hash = model_mix(hash, region_used[i]);
    return hash;
}

int64_t model_heap_live(void)
{
    return live;
}

void *roosti_alloc_at(struct roosti_site *site, size_t size)
{
    (void)site;
    size_t *used = &region_used[model_engine.current];
    size_t whole = (sizeof(struct block) + size + 15) / 16 * 16;
    if (whole > REGION_BYTES - *used)
        model_fail("more memory than a model has");
    struct block *block = (struct block *)(void *)&regions[model_engine.current][*used];
    *used += whole;
    block->size = size;
    memset(block->bytes, 0xa5, size);
    live++;
    return block->bytes;
}

void *roosti_alloc_zero_at(struct roosti_site *site, size_t count, size_t size)
{
    return model_memset(roosti_alloc_at(site, count * size), 0, count * size);
}

void roosti_free(void *bytes)
{
    if (!bytes)
        return;
    model_freed(bytes, roosti_container(bytes, struct block, bytes)->size);
    live--;
}

/* -- base/assert.h, port/host.h ---------------------------------------------------------------- */

void roosti_abort_rule(const char *kind, const char *rule, const char *file, int line,
                       const char *function)
{
    (void)function;
    model_fail("%s:%d: %s broken: %s", file, line, kind, rule);
}

void roosti_word_wait(uint32_t *word, uint32_t seen, roost_time deadline)
{
    model_wait(word, sizeof *word, seen, deadline, "a word");
}

void roosti_word_wake(uint32_t *word)
{
    model_wake(word, true, "a word");
}

void roosti_word_wake_one(uint32_t *word)
{
    model_wake(word, false, "a word");
}

void roosti_spin_hint(void)
{
}

void roosti_thread_pause(void)
{
    model_yield("a pause");
}

roost_time roosti_clock_now(void)
{
    return model_now();
}

int roosti_thread_start(struct roosti_thread *thread, const char *name, int cpu,
                        void (*body)(void *), void *arg)
{
    (void)name;
    (void)cpu;
    thread->handle = (uintptr_t)model_thread("started", body, arg);
    return 0;
}

void roosti_thread_join(struct roosti_thread *thread)
{
    model_join((int)thread->handle);
}
