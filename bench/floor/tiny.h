/* bench/floor/tiny.h - a hand-written scheduler and timer heap, as small as they can be made.
 *
 * They have no error handling, no scopes, no statistics and no way to wait for anything: they exist
 * to show how little the bare work costs on this machine, so that what roost adds is visible. Tasks
 * are stackful, the run queue is a linked list, the switch saves three registers and lets the
 * compiler spill what is alive. x86-64 only.
 *
 * A slot is 256 KiB, its lowest 64 KiB are a guard, the task's record sits in the page at its top:
 *
 *     | guard 64 KiB | never touched ... | frames  <-- sp | record | colour |
 *
 * SPDX-License-Identifier: MIT */
#ifndef ROOST_BENCH_TINY_H
#define ROOST_BENCH_TINY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef __x86_64__
#error "the hand-written floor has an x86-64 switch only"
#endif

#define TINY_SLOT ((size_t)256 * 1024)
#define TINY_GUARD ((size_t)64 * 1024)
#define TINY_MADV_GUARD_INSTALL 102

/* The switch below knows these offsets. */
struct tiny_ctx {
    void *sp;
    void *bp;
    void *pc;
};

struct tiny;

struct tiny_task {
    struct tiny_ctx ctx; /* first: a task and its context have one address */
    struct tiny_task *next;
    struct tiny_task *joiner;
    struct tiny *tiny;
    void (*fn)(struct tiny *tiny, void *arg);
    void *arg;
    char *stack_top;
    int done;
    int cancelled;
};

struct tiny {
    struct tiny_task *head;
    struct tiny_task **tail;
    struct tiny_task *current;
    struct tiny_task *idle; /* finished tasks with a warm stack, last in first out */
    char *slab;             /* slots that were never used */
    size_t slab_count;
    size_t colour;
    struct tiny_task main;
};

static inline void tiny_switch(struct tiny_task *from, struct tiny_task *to)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rsp, 0(%%rdi)\n\t"
                     "movq %%rbp, 8(%%rdi)\n\t"
                     "movq %%rax, 16(%%rdi)\n\t"
                     "movq 0(%%rsi), %%rsp\n\t"
                     "movq 8(%%rsi), %%rbp\n\t"
                     "jmpq *16(%%rsi)\n"
                     "1:\n"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
                       "memory", "cc");
}

/* A new task starts here with its record in rsi, where the switch left it. */
void tiny_entry(void);
void tiny_task_main(struct tiny_task *t);

static inline void tiny_push(struct tiny *y, struct tiny_task *t)
{
    t->next = NULL;
    *y->tail = t;
    y->tail = &t->next;
}

static inline struct tiny_task *tiny_pop(struct tiny *y)
{
    struct tiny_task *t = y->head;
    y->head = t->next;
    if (y->head == NULL)
        y->tail = &y->head;
    return t;
}

/* Runs the next task; the caller has put the current one where it will be found again. */
static inline void tiny_leave(struct tiny *y)
{
    struct tiny_task *from = y->current;
    struct tiny_task *to = tiny_pop(y);
    y->current = to;
    tiny_switch(from, to);
}

static inline void tiny_yield(struct tiny *y)
{
    tiny_push(y, y->current);
    tiny_leave(y);
}

static inline void tiny_join(struct tiny *y, struct tiny_task *t)
{
    if (!t->done) {
        t->joiner = y->current;
        tiny_leave(y);
    }
}

/* Reserves slots and nothing more: no page of them is touched, no guard is set. Returns 0 or -1. */
static inline int tiny_slab_open(struct tiny *y, size_t count)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    char *slab = mmap(NULL, count * TINY_SLOT, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (slab == MAP_FAILED)
        return -1;
    if (madvise(slab, count * TINY_SLOT, MADV_NOHUGEPAGE) != 0)
        return -1;
    y->slab = slab;
    y->slab_count = count;
    return 0;
}

/* The next never-used slot, guarded; its top page is touched here for the first time. */
static inline struct tiny_task *tiny_slot_take(struct tiny *y)
{
    char *slot = y->slab;
    if (y->slab_count == 0 || madvise(slot, TINY_GUARD, TINY_MADV_GUARD_INSTALL) != 0)
        abort();
    y->slab += TINY_SLOT;
    y->slab_count--;
    /* Slots lie 256 KiB apart; without a shift of their own all records would share one cache set.
     */
    size_t shift = sizeof(struct tiny_task) + (y->colour++ & 31) * 64;
    struct tiny_task *t =
        (struct tiny_task *)(void *)(slot + TINY_SLOT - ((shift + 63) & ~(size_t)63));
    t->stack_top = (char *)t;
    return t;
}

static inline struct tiny_task *tiny_spawn(struct tiny *y, void (*fn)(struct tiny *, void *),
                                           void *arg)
{
    struct tiny_task *t = y->idle;
    if (t != NULL)
        y->idle = t->next;
    else
        t = tiny_slot_take(y);
    t->ctx.sp = t->stack_top;
    t->ctx.pc = (void *)(uintptr_t)tiny_entry;
    t->tiny = y;
    t->fn = fn;
    t->arg = arg;
    t->joiner = NULL;
    t->done = 0;
    t->cancelled = 0;
    tiny_push(y, t);
    return t;
}

static inline int tiny_init(struct tiny *y, size_t slots)
{
    *y = (struct tiny){.tail = &y->head};
    y->current = &y->main;
    return tiny_slab_open(y, slots);
}

/* The timer heap: binary, each timer knows its place in it, so a cancel needs no search. */
struct tiny_timer {
    size_t index;
};

struct tiny_heap_entry {
    int64_t deadline;
    struct tiny_timer *timer;
};

struct tiny_heap {
    struct tiny_heap_entry *entries;
    size_t count;
};

static inline void tiny_heap_up(struct tiny_heap *h, size_t i, struct tiny_heap_entry e)
{
    while (i > 0 && e.deadline < h->entries[(i - 1) / 2].deadline) {
        h->entries[i] = h->entries[(i - 1) / 2];
        h->entries[i].timer->index = i;
        i = (i - 1) / 2;
    }
    h->entries[i] = e;
    e.timer->index = i;
}

static inline void tiny_heap_down(struct tiny_heap *h, size_t i, struct tiny_heap_entry e)
{
    for (size_t child; (child = 2 * i + 1) < h->count; i = child) {
        if (child + 1 < h->count && h->entries[child + 1].deadline < h->entries[child].deadline)
            child++;
        if (e.deadline <= h->entries[child].deadline)
            break;
        h->entries[i] = h->entries[child];
        h->entries[i].timer->index = i;
    }
    h->entries[i] = e;
    e.timer->index = i;
}

static inline void tiny_timer_arm(struct tiny_heap *h, struct tiny_timer *t, int64_t deadline)
{
    size_t i = h->count++;
    tiny_heap_up(h, i, (struct tiny_heap_entry){.deadline = deadline, .timer = t});
}

static inline void tiny_timer_cancel(struct tiny_heap *h, struct tiny_timer *t)
{
    size_t i = t->index;
    struct tiny_heap_entry last = h->entries[--h->count];
    if (i == h->count)
        return;
    if (i > 0 && last.deadline < h->entries[(i - 1) / 2].deadline)
        tiny_heap_up(h, i, last);
    else
        tiny_heap_down(h, i, last);
}

#endif
