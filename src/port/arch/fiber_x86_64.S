/* port/arch/fiber_x86_64.S - the switch between two stacks, for x86-64.
 *
 * A suspended flow is its stack pointer; seven words lie at it:
 *
 *   sp ->  r15  r14  r13  r12  rbx  rbp  return address
 *
 * A fresh flow has the same picture with r12 = arg, r13 = entry and the trampoline as its return
 * address; nothing reads its other words. The unwind tables hold at each instruction, since both
 * frames have the same shape; they end at the trampoline.
 *
 * How the switch ends decides what it costs. The processor predicts a `ret` from its own stack of
 * calls, where the flow being left has put its return addresses. When both flows stand in the same
 * place (tasks that run the same code), that prediction is right, for this `ret` and for those of
 * the callers, and only a `ret` keeps the processor's stack in step. When they stand in different
 * places a `ret` is always mispredicted, and an indirect jump is predicted from history.
 *
 * The property note claims indirect branch tracking only. Without the shadow stack bit the loader
 * runs the process without one, which is what a switch that knows of none needs.
 *
 * SPDX-License-Identifier: MIT
 */
    .text

/* int roosti_fiber_jump(void **from_sp, void *to_sp, int value) */
    .globl roosti_fiber_jump
    .hidden roosti_fiber_jump
    .type roosti_fiber_jump, @function
    .p2align 6
roosti_fiber_jump:
    .cfi_startproc
    endbr64
    movq (%rsp), %rcx
    movq %rdx, %rax
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbx, 0
    pushq %r12
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r12, 0
    pushq %r13
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r13, 0
    pushq %r14
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r14, 0
    pushq %r15
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %r15, 0
    movq %rsp, (%rdi)
    /* From here also for who has saved in this shape by itself: rsi and eax as above; rcx: the
     * return address that a `ret` is predicted to take, or 0. */
    .globl roosti_fiber_load
    .hidden roosti_fiber_load
roosti_fiber_load:
    movq %rsi, %rsp
    popq %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r15
    popq %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r14
    popq %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r13
    popq %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore %r12
    popq %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbx
    popq %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    cmpq (%rsp), %rcx
    jne .Lelsewhere
    ret
.Lelsewhere:
    popq %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register %rip, %rcx
    notrack jmp *%rcx
    .cfi_endproc
    .size roosti_fiber_jump, . - roosti_fiber_jump

/* int roosti_fiber_drop(void *to_sp, int value): the other half alone. Reached by a tail
 * call from a flow that was itself begun without a call, it finds the processor's stack of calls as
 * the flow it goes back to had left it. */
    .globl roosti_fiber_drop
    .hidden roosti_fiber_drop
    .type roosti_fiber_drop, @function
    .p2align 6
roosti_fiber_drop:
    .cfi_startproc
    .cfi_undefined %rip
    endbr64
    movq %rsi, %rax
    movq %rdi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .cfi_endproc
    .size roosti_fiber_drop, . - roosti_fiber_drop

/* Where a fresh flow begins: entry is jumped to, with a return address that ends every backtrace.
 * An unwinder looks up the byte before a return address, so the tables must cover that byte too. */
    .type roosti_fiber_start, @function
    .p2align 4
roosti_fiber_start:
    .cfi_startproc
    .cfi_undefined %rip
    nop
    .globl roosti_fiber_begin
    .hidden roosti_fiber_begin
roosti_fiber_begin:
    xorl %ebp, %ebp
    movq %r12, %rdi
    leaq .Lend(%rip), %rcx
    pushq %rcx
    notrack jmp *%r13
    nop
.Lend:
    ud2
    .cfi_endproc
    .size roosti_fiber_start, . - roosti_fiber_start

/* GNU_PROPERTY_X86_FEATURE_1_AND with the IBT bit alone. */
    .section .note.gnu.property, "a", @note
    .p2align 3
    .long 4, 16, 5
    .asciz "GNU"
    .long 0xc0000002, 4, 1, 0

    .section .note.GNU-stack, "", @progbits
