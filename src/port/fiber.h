/* port/fiber.h - a flow of control with its own stack, and the switch between two of them.
 *
 * The switch keeps the registers the ABI calls callee-saved and the stack pointer. The floating
 * point control words (MXCSR, x87, FPCR) are shared by all fibers of a thread. Under the
 * sanitizers and Valgrind it also tells them which stack is in use; that is the only difference
 * between builds.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_FIBER_H
#define ROOST_PORT_FIBER_H

#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__)
#define ROOSTI_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ROOSTI_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define ROOSTI_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ROOSTI_TSAN 1
#endif
#endif
/* A model is instrumented for its own purposes. */
#if (defined(ROOSTI_ASAN) || defined(ROOSTI_TSAN) || defined(ROOST_VALGRIND)) &&                   \
    !defined(ROOST_MODEL)
#define ROOSTI_FIBER_HOOKS 1
#endif

/* Whether a tool watches the stacks. */
#ifdef ROOSTI_FIBER_HOOKS
enum { ROOSTI_FIBER_HOOKED = 1 };
#else
enum { ROOSTI_FIBER_HOOKED = 0 };
#endif

/* Whether roost_yield has a short way on this processor, see rt/arch. */
#if defined(__x86_64__)
#define ROOSTI_FIBER_SHORT 1
#endif

struct roosti_fiber {
    void *sp; /* saved stack pointer while switched away */
#ifdef ROOSTI_FIBER_HOOKS
    const void *low;    /* lowest byte of the stack */
    size_t size;        /* bytes from low to the top */
    void *fake_stack;   /* ASan's */
    void *tsan;         /* TSan's handle */
    unsigned tsan_uses; /* flows it has served, this one included */
    unsigned valgrind_id;
#endif
};

/* In src/port/arch: saves the callee-saved registers, stores sp in *from, loads `to`. The call that
 * `to` left off in returns `value`; a fresh flow drops it. */
int roosti_fiber_jump(void **from_sp, void *to_sp, int value);

/* In src/port/arch: loads `to` and forgets the flow it is called on; does not return. To be called
 * in tail position, so that the processor's predictions of returns stay right on the other side. */
int roosti_fiber_drop(void *to_sp, int value);

/* In src/port/arch: where a fresh flow begins; a place to jump to, not a function. */
extern const char roosti_fiber_begin[];

/* Lays out a first frame below `top`, as roosti_fiber_jump leaves one: the first jump to the
 * returned sp calls entry(arg) with a clean, backtrace-ending frame. entry must not return. */
static inline void *roosti_fiber_frame(void *top, void (*entry)(void *), void *arg)
{
#if defined(__x86_64__)
    uintptr_t *sp = (uintptr_t *)top - 7; /* r15 r14 r13 r12 rbx rbp return */
    sp[2] = (uintptr_t)entry;
    sp[3] = (uintptr_t)arg;
    sp[6] = (uintptr_t)roosti_fiber_begin;
#elif defined(__aarch64__)
    uintptr_t *sp = (uintptr_t *)top - 20; /* x19 x20 ... x29 x30 d8 ... d15 */
    sp[0] = (uintptr_t)arg;
    sp[1] = (uintptr_t)entry;
    sp[11] = (uintptr_t)roosti_fiber_begin;
#else
#error "there is no switch for this processor"
#endif
    return sp;
}

#ifdef ROOSTI_FIBER_HOOKS
/* The thread's own stack becomes a fiber, so that it can be switched from. */
void roosti_fiber_adopt(struct roosti_fiber *fiber);
/* low..top: the usable stack; frame_top: where the first frame goes, in that range. */
void roosti_fiber_make(struct roosti_fiber *fiber, void *low, void *top, void *frame_top,
                       void (*entry)(void *), void *arg);
void roosti_fiber_switch(struct roosti_fiber *from, struct roosti_fiber *to);
/* The same; the switch that `to` left off in returns `value`. As the last call of a function it
 * costs no return address prediction, which is most of what a switch can cost. */
int roosti_fiber_switch_with(struct roosti_fiber *from, struct roosti_fiber *to, int value);
/* The same, and `from` never runs again. */
void roosti_fiber_leave(struct roosti_fiber *from, struct roosti_fiber *to, int value);
/* First statement of every entry function. */
void roosti_fiber_entered(struct roosti_fiber *self);
/* After the last switch away: frees what the tools keep for it. */
void roosti_fiber_unmake(struct roosti_fiber *fiber);
#else
static inline void roosti_fiber_adopt(struct roosti_fiber *fiber)
{
    fiber->sp = NULL;
}

static inline void roosti_fiber_make(struct roosti_fiber *fiber, void *low, void *top,
                                     void *frame_top, void (*entry)(void *), void *arg)
{
    (void)low;
    (void)top;
    fiber->sp = roosti_fiber_frame(frame_top, entry, arg);
}

static inline void roosti_fiber_switch(struct roosti_fiber *from, struct roosti_fiber *to)
{
    roosti_fiber_jump(&from->sp, to->sp, 0);
}

static inline int roosti_fiber_switch_with(struct roosti_fiber *from, struct roosti_fiber *to,
                                           int value)
{
    return roosti_fiber_jump(&from->sp, to->sp, value);
}

static inline void roosti_fiber_leave(struct roosti_fiber *from, struct roosti_fiber *to, int value)
{
    (void)from;
    roosti_fiber_drop(to->sp, value);
}

static inline void roosti_fiber_entered(struct roosti_fiber *self)
{
    (void)self;
}

static inline void roosti_fiber_unmake(struct roosti_fiber *fiber)
{
    (void)fiber;
}
#endif

#endif
