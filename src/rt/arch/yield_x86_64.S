/* rt/arch/yield_x86_64.S - the short way of roost_yield, for x86-64.
 *
 * The inline half (roost/impl/yield.h) tells the compiler that all registers but rbx, rbp and rsp
 * are lost, so what a task really holds is saved by its own code, and the switch saves two
 * registers instead of six. It may stand in a function that makes no call: one whose red zone is in
 * use and whose stack is aligned to 8 bytes only. So it jumps here, with its return address in rcx,
 * and what is kept goes below the red zone:
 *
 *   sp ->  (r15  r14  r13  r12)  rbx  rbp  .Lback  return address  (pad)  red zone  user's sp
 *
 * The first seven words are the picture that roosti_fiber_jump leaves, with nothing in the slots
 * of the lost registers: whatever switches to a flow can switch to this one, and goes by .Lback.
 * When both flows stand here that way is cut short, by an indirect jump; calls and returns are in
 * balance on both sides, so it leaves the processor's stack of calls alone.
 *
 * SPDX-License-Identifier: MIT
 */
    .set RED_ZONE, 128
    .set RETURN, 8            /* from .Lback's slot to the return address */
    .set FRAME, RED_ZONE + 24 /* from .Lback's slot to the user's sp */

    .text

/* To be jumped to. rcx: where to go on; eax is the result then. */
    .globl roost_impl_yield
    .type roost_impl_yield, @function
    .p2align 6
roost_impl_yield:
    .cfi_startproc
    .cfi_def_cfa %rsp, 0
    .cfi_register %rip, %rcx
    endbr64
    leaq .Lback(%rip), %rax
    leaq -FRAME(%rsp), %rsp
    .cfi_def_cfa_offset FRAME
    movq %rcx, RETURN(%rsp)
    .cfi_offset %rip, RETURN - FRAME
    movq %rax, (%rsp)
    .hidden roosti_yield_short
    jmp roosti_yield_short /* int roosti_yield_short(void), which returns to .Lback */
    .cfi_def_cfa_offset FRAME - 8
    nop /* an unwinder looks up the byte before a return address */
.Lback:
    movq RETURN - 8(%rsp), %rcx
    .cfi_register %rip, %rcx
    leaq FRAME - 8(%rsp), %rsp
    .cfi_def_cfa_offset 0
    notrack jmp *%rcx
    .cfi_endproc
    .size roost_impl_yield, . - roost_impl_yield

/* int roosti_yield_jump(void **from_sp, void *to_sp, int value): what roosti_fiber_jump is, for a
 * function that was entered by roost_impl_yield, in tail position. */
    .globl roosti_yield_jump
    .hidden roosti_yield_jump
    .type roosti_yield_jump, @function
    .p2align 6
roosti_yield_jump:
    .cfi_startproc
    leaq .Lback(%rip), %r8
    leaq -48(%rsp), %rcx
    movq %rbx, -16(%rsp)
    .cfi_rel_offset %rbx, -16
    movq %rbp, -8(%rsp)
    .cfi_rel_offset %rbp, -8
    movq %rcx, (%rdi)
    movl %edx, %eax
    cmpq %r8, 48(%rsi)
    jne .Lwhole
    movq 48 + RETURN(%rsi), %rcx
    movq 32(%rsi), %rbx
    movq 40(%rsi), %rbp
    leaq 48 + FRAME(%rsi), %rsp
    .cfi_remember_state
    .cfi_def_cfa_offset 0
    .cfi_restore %rbx
    .cfi_restore %rbp
    .cfi_register %rip, %rcx
    notrack jmp *%rcx
.Lwhole: /* the other flow left off elsewhere and has all six */
    .cfi_restore_state
    leaq -48(%rsp), %rsp
    .cfi_def_cfa_offset 8 + 48
    xorl %ecx, %ecx
    jmp roosti_fiber_load
    .cfi_endproc
    .size roosti_yield_jump, . - roosti_yield_jump

/* GNU_PROPERTY_X86_FEATURE_1_AND with the IBT bit alone. */
    .section .note.gnu.property, "a", @note
    .p2align 3
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000002, 4, 1, 0

    .section .note.GNU-stack, "", @progbits
