/* port/fiber.c - the switch as the sanitizers and Valgrind need to see it.
 *
 * Plain builds use the inline functions of port/fiber.h and this file is empty. In the others each
 * switch names the stack it goes to:
 *
 * - AddressSanitizer keeps a fake stack per flow. It is handed over at every switch, completed on
 *   the other side, and given up (NULL) at the last switch away. A recycled stack is unpoisoned.
 *   LeakSanitizer takes each stack in use as a root, without its guard, which it could not read.
 * - ThreadSanitizer keeps one handle per flow. Handles are pooled per thread, since making one is
 * slow and a destroyed one leaves metadata behind. Functions that switch are not instrumented: the
 * call that enters them would otherwise be recorded on one shadow stack and its end on another.
 * - Valgrind is told where each stack lies.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/fiber.h"

#ifdef ROOSTI_FIBER_HOOKS

#include <pthread.h>

#include "base/assert.h"

#ifdef ROOSTI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef ROOSTI_TSAN
#include <sanitizer/tsan_interface.h>
#define UNTRACED __attribute__((no_sanitize("thread"), noinline))
#else
#define UNTRACED
#endif
#ifdef ROOST_VALGRIND
#include <valgrind/valgrind.h>
#endif

#ifdef ROOSTI_TSAN
/* Handles at rest, per thread. A flow that ends never returns from its functions, so its handle
 * keeps their names on its record of calls: after some flows it is given up, before that record is
 * full or drowns a report. */
enum { TSAN_POOL_MAX = 256, TSAN_USES_MAX = 16 };
struct tsan_handle {
    void *handle;
    unsigned uses;
};
static __thread struct tsan_handle tsan_pool[TSAN_POOL_MAX];
static __thread int tsan_pool_count;
static pthread_key_t tsan_pool_key;
static pthread_once_t tsan_pool_once = PTHREAD_ONCE_INIT;

/* At the end of a thread that has pooled handles: their number is limited. */
static void tsan_pool_drain(void *pool)
{
    (void)pool;
    while (tsan_pool_count > 0)
        __tsan_destroy_fiber(tsan_pool[--tsan_pool_count].handle);
}

static void tsan_pool_init(void)
{
    pthread_key_create(&tsan_pool_key, tsan_pool_drain);
}

static void tsan_take(struct roosti_fiber *fiber)
{
    struct tsan_handle taken = {0};
    if (tsan_pool_count > 0)
        taken = tsan_pool[--tsan_pool_count];
    else
        taken.handle = __tsan_create_fiber(0);
    fiber->tsan = taken.handle;
    fiber->tsan_uses = taken.uses + 1;
}

static void tsan_give(struct roosti_fiber *fiber)
{
    if (tsan_pool_count == TSAN_POOL_MAX || fiber->tsan_uses >= TSAN_USES_MAX) {
        __tsan_destroy_fiber(fiber->tsan);
    } else {
        pthread_once(&tsan_pool_once, tsan_pool_init);
        pthread_setspecific(tsan_pool_key, tsan_pool);
        tsan_pool[tsan_pool_count++] =
            (struct tsan_handle){.handle = fiber->tsan, .uses = fiber->tsan_uses};
    }
    fiber->tsan = NULL;
}
#endif

void roosti_fiber_adopt(struct roosti_fiber *fiber)
{
    *fiber = (struct roosti_fiber){0};
#ifdef ROOSTI_ASAN
    pthread_attr_t attr;
    if (pthread_getattr_np(pthread_self(), &attr) == 0) {
        void *low = NULL;
        size_t size = 0;
        pthread_attr_getstack(&attr, &low, &size);
        fiber->low = low;
        fiber->size = size;
        pthread_attr_destroy(&attr);
    }
#endif
#ifdef ROOSTI_TSAN
    fiber->tsan = __tsan_get_current_fiber();
#endif
}

void roosti_fiber_make(struct roosti_fiber *fiber, void *low, void *top, void *frame_top,
                       void (*entry)(void *), void *arg)
{
    size_t size = (size_t)((char *)top - (char *)low);
#ifdef ROOSTI_ASAN
    __asan_unpoison_memory_region(low, (size_t)((char *)frame_top - (char *)low));
    __lsan_register_root_region(low, size);
#endif
    *fiber = (struct roosti_fiber){
        .sp = roosti_fiber_frame(frame_top, entry, arg), .low = low, .size = size};
#ifdef ROOSTI_TSAN
    tsan_take(fiber);
#endif
#ifdef ROOST_VALGRIND
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(low, top);
#endif
}

UNTRACED int roosti_fiber_switch_with(struct roosti_fiber *from, struct roosti_fiber *to, int value)
{
#ifdef ROOSTI_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->low, to->size);
#endif
#ifdef ROOSTI_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    int given = roosti_fiber_jump(&from->sp, to->sp, value);
#ifdef ROOSTI_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
    return given;
}

UNTRACED void roosti_fiber_switch(struct roosti_fiber *from, struct roosti_fiber *to)
{
    (void)roosti_fiber_switch_with(from, to, 0);
}

UNTRACED void roosti_fiber_leave(struct roosti_fiber *from, struct roosti_fiber *to, int value)
{
    (void)from;
#ifdef ROOSTI_ASAN
    __sanitizer_start_switch_fiber(NULL, to->low, to->size);
#endif
#ifdef ROOSTI_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    roosti_fiber_drop(to->sp, value);
    __builtin_unreachable();
}

UNTRACED void roosti_fiber_entered(struct roosti_fiber *self)
{
#ifdef ROOSTI_ASAN
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
    (void)self;
}

void roosti_fiber_unmake(struct roosti_fiber *fiber)
{
#ifdef ROOSTI_ASAN
    __lsan_unregister_root_region(fiber->low, fiber->size);
    __asan_unpoison_memory_region(fiber->low, fiber->size);
#endif
#ifdef ROOSTI_TSAN
    tsan_give(fiber);
#endif
#ifdef ROOST_VALGRIND
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
#endif
    (void)fiber;
}

#endif
