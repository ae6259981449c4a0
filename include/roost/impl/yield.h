/* roost/impl/yield.h - the inline half of roost_yield, for x86-64. Internal.
 *
 * A switch behind a function has to save every register the ABI lets its callers keep. This one
 * tells the compiler that they are lost, so it saves those in use and no others. It neither calls
 * nor pushes: the function it stands in may have a red zone, and the return address goes in rcx.
 * The jump goes through the global offset table, since binding a symbol late would write to the
 * stack. roost_yield has an address as ever, and a caller that is not optimised calls it.
 * ROOST_PLAIN_YIELD, defined before the first header, has everybody call it. That is needed by who
 * gives one function AVX-512 by an attribute (`target("avx512f")`): gcc lets a file name those
 * registers only if all of it is compiled for them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_YIELD_H
#define ROOST_IMPL_YIELD_H

#include <roost/config.h>

#if defined(__x86_64__) && defined(__LP64__) && defined(__SSE2__) && !defined(ROOST_PLAIN_YIELD)

#ifdef __AVX512F__
#define ROOST_IMPL_LOST_WIDE                                                                       \
    "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",      \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k0", "k1", "k2", "k3", "k4", "k5",  \
        "k6", "k7",
#else
#define ROOST_IMPL_LOST_WIDE
#endif
#ifdef __APX_F__
#define ROOST_IMPL_LOST_APX                                                                        \
    "r16", "r17", "r18", "r19", "r20", "r21", "r22", "r23", "r24", "r25", "r26", "r27", "r28",     \
        "r29", "r30", "r31",
#else
#define ROOST_IMPL_LOST_APX
#endif

ROOST_BEGIN_DECLS

extern inline __attribute__((gnu_inline)) ROOST_MUST ROOST_SUSPENDS int roost_yield(void)
{
    int rc;
    __asm__ volatile("lea{q 1f(%%rip), %%rcx| rcx, 1f[rip]}\n\t"
                     "jmp {*roost_impl_yield@GOTPCREL(%%rip)|"
                     "QWORD PTR [rip + roost_impl_yield@GOTPCREL]}\n"
                     "1:"
                     : "=a"(rc)
                     :
                     : ROOST_IMPL_LOST_WIDE ROOST_IMPL_LOST_APX "rcx", "rdx", "rsi", "rdi", "r8",
                       "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2",
                       "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)",
                       "st(5)", "st(6)", "st(7)", "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6",
                       "mm7", "memory", "cc");
    return rc;
}

ROOST_END_DECLS

#endif

#endif
