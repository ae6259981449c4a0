/* port/arch/fiber_aarch64.S - the switch between two stacks, for aarch64.
 *
 * A suspended flow is its stack pointer; twenty words lie at it:
 *
 *   sp ->  x19 ... x28  x29  x30  d8 ... d15
 *
 * A fresh flow has the same picture with x19 = arg, x20 = entry and the trampoline in x30; nothing
 * reads its other words. The switch ends in `ret`: with branch target identification an indirect
 * jump may land on a landing pad only, and the instruction after a call is none. The unwind tables
 * hold at each instruction, since both frames have the same shape; they end at the trampoline.
 *
 * SPDX-License-Identifier: MIT
 */
    .text

/* int roosti_fiber_jump(void **from_sp, void *to_sp, int value) */
    .globl roosti_fiber_jump
    .hidden roosti_fiber_jump
    .type roosti_fiber_jump, %function
    .p2align 6
roosti_fiber_jump:
    .cfi_startproc
    hint #34 /* bti c */
    sub sp, sp, #160
    .cfi_def_cfa_offset 160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    .cfi_rel_offset x19, 0
    .cfi_rel_offset x20, 8
    .cfi_rel_offset x21, 16
    .cfi_rel_offset x22, 24
    .cfi_rel_offset x23, 32
    .cfi_rel_offset x24, 40
    .cfi_rel_offset x25, 48
    .cfi_rel_offset x26, 56
    .cfi_rel_offset x27, 64
    .cfi_rel_offset x28, 72
    .cfi_rel_offset x29, 80
    .cfi_rel_offset x30, 88
    .cfi_rel_offset d8, 96
    .cfi_rel_offset d9, 104
    .cfi_rel_offset d10, 112
    .cfi_rel_offset d11, 120
    .cfi_rel_offset d12, 128
    .cfi_rel_offset d13, 136
    .cfi_rel_offset d14, 144
    .cfi_rel_offset d15, 152
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    mov x0, x2
    add sp, sp, #160
    .cfi_def_cfa_offset 0
    .cfi_restore x19
    .cfi_restore x20
    .cfi_restore x21
    .cfi_restore x22
    .cfi_restore x23
    .cfi_restore x24
    .cfi_restore x25
    .cfi_restore x26
    .cfi_restore x27
    .cfi_restore x28
    .cfi_restore x29
    .cfi_restore x30
    .cfi_restore d8
    .cfi_restore d9
    .cfi_restore d10
    .cfi_restore d11
    .cfi_restore d12
    .cfi_restore d13
    .cfi_restore d14
    .cfi_restore d15
    ret
    .cfi_endproc
    .size roosti_fiber_jump, . - roosti_fiber_jump

/* int roosti_fiber_drop(void *to_sp, int value): the other half alone. */
    .globl roosti_fiber_drop
    .hidden roosti_fiber_drop
    .type roosti_fiber_drop, %function
    .p2align 6
roosti_fiber_drop:
    .cfi_startproc
    .cfi_undefined x30
    hint #34 /* bti c */
    mov sp, x0
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    mov x0, x1
    add sp, sp, #160
    ret
    .cfi_endproc
    .size roosti_fiber_drop, . - roosti_fiber_drop

/* Where a fresh flow begins. An unwinder looks up the byte before a return address, so the tables
 * must cover one instruction before the label that a fresh frame holds. */
    .type roosti_fiber_start, %function
    .p2align 4
roosti_fiber_start:
    .cfi_startproc
    .cfi_undefined x30
    nop
    .globl roosti_fiber_begin
    .hidden roosti_fiber_begin
roosti_fiber_begin:
    hint #36 /* bti j */
    mov x29, xzr
    mov x30, xzr
    mov x0, x19
    blr x20
    brk #1
    .cfi_endproc
    .size roosti_fiber_start, . - roosti_fiber_start

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND with the BTI bit alone. */
    .section .note.gnu.property, "a", %note
    .p2align 3
    .word 4, 16, 5
    .asciz "GNU"
    .word 0xc0000000, 4, 1, 0

    .section .note.GNU-stack, "", %progbits
