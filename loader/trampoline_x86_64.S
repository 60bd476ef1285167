/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * trampoline_x86_64.S: the last code of thaw. Firmware is gone.
 *
 * thaw_handoff_jump() runs where firmware loaded thaw. It changes to thaw's own page tables, which map RAM one to one and
 * executable, and jumps into the copy of the code below that lies in a safe page. From there on every frame of the image may
 * be overwritten, thaw's own among them. The safe page holds code, descriptor table and a stack of a few words.
 *
 * Offsets into struct thaw_handoff and struct thaw_copy_page: loader.h.
 */
#define HANDOFF_TRAMPOLINE 0
#define HANDOFF_TABLES 8
#define HANDOFF_OTHER_TABLES 16
#define HANDOFF_COPIES 24
#define HANDOFF_JUMP_VA 32
#define HANDOFF_IMAGE_ROOT 40

#define COPY_PAGE_NEXT 0
#define COPY_PAGE_COUNT 8
#define COPY_PAGE_FIRST 16
#define COPY_TO 0
#define COPY_FROM 8
#define COPY_PAGES 16
#define COPY_SIZE 24

#define CODE32 0x08
#define CODE64 0x10	/* Linux's __KERNEL_CS, which the image kernel never reloads */
#define DATA64 0x18

#define CR0_WP (1 << 16)
#define CR0_PG (1 << 31)
#define CR4_PGE (1 << 7)
#define CR4_LA57 (1 << 12)
#define CR4_PCIDE (1 << 17)
#define CR4_SMEP (1 << 20)
#define CR4_SMAP (1 << 21)
#define CR4_PKE (1 << 22)
#define CR4_CET (1 << 23)
#define CR4_PKS (1 << 24)

#define MSR_EFER 0xc0000080
#define EFER_SCE (1 << 0)
#define EFER_NXE_BIT 11
#define MSR_S_CET 0x6a2
#define MSR_MISC_ENABLE 0x1a0
#define XD_DISABLE_BIT_HIGH 2	/* 34, in the upper half */

#define CPUID_VENDOR_INTEL 0x756e6547 /* "Genu", in ebx */
#define CPUID_FEATURES 0x80000001
#define CPUID_NX_BIT 20

	.section .note.GNU-stack, "", @progbits
	.text

/* _Noreturn void thaw_handoff_jump(const struct thaw_handoff *handoff), System V call: rdi */
	.globl thaw_handoff_jump
	.type thaw_handoff_jump, @function
thaw_handoff_jump:
	cli
	cld
	movq HANDOFF_TRAMPOLINE(%rdi), %rbx
	movq HANDOFF_TABLES(%rdi), %r12
	movq HANDOFF_OTHER_TABLES(%rdi), %rbp
	movq HANDOFF_COPIES(%rdi), %r11
	movq HANDOFF_JUMP_VA(%rdi), %r8
	movq HANDOFF_IMAGE_ROOT(%rdi), %r9

	/* Control-flow enforcement goes first: the jump below meets no ENDBR64, a later return no shadow stack. */
	movq %cr4, %rax
	testl $CR4_CET, %eax
	jz 1f
	andl $~CR4_CET, %eax
	movq %rax, %cr4
	movl $MSR_S_CET, %ecx
	xorl %eax, %eax
	xorl %edx, %edx
	wrmsr
1:
	/*
	 * Loading CR3 keeps global translations, so the firmware's, which may forbid to execute the safe page, go with PGE. With
	 * PCIDE on the low bits of CR3 would be a PCID; ours are 0 either way.
	 */
	movq %cr4, %rax
	andl $~(CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_PKS), %eax
	movq %rax, %cr4
	movq %cr0, %rax
	orl $CR0_WP, %eax
	movq %rax, %cr0

	/*
	 * Firmware's setup may hide NX on Intel's processors, which alone have this register. Linux shows it
	 * again (arch/x86/kernel/verify_cpu.S), so the image has it.
	 */
	movq %rbx, %r13
	movl $CPUID_FEATURES, %eax
	cpuid
	btl $CPUID_NX_BIT, %edx
	jc 2f
	xorl %eax, %eax
	cpuid
	cmpl $CPUID_VENDOR_INTEL, %ebx
	jne 1f
	movl $MSR_MISC_ENABLE, %ecx
	rdmsr
	btrl $XD_DISABLE_BIT_HIGH, %edx
	wrmsr
1:
	movl $CPUID_FEATURES, %eax
	cpuid
2:
	/* Where there is none, the image has none either, and the bit of EFER is reserved. */
	andl $(1 << CPUID_NX_BIT), %edx
	shrl $(CPUID_NX_BIT - EFER_NXE_BIT), %edx
	movl %edx, %esi
	movl $MSR_EFER, %ecx
	rdmsr
	orl %esi, %eax
	orl $EFER_SCE, %eax
	wrmsr
	movq %r13, %rbx

	movq %r12, %cr3
	leaq 4096(%rbx), %rsp
	jmp *%rbx

/*
 * rbx: this page, rbp: root to switch to or 0, r11: copies, r8, r9: as the image kernel wants them.
 */
	.balign 16
	.globl thaw_trampoline_start
	.globl thaw_trampoline_end
thaw_trampoline_start:
	subq $16, %rsp
	movw $(gdt_end - gdt - 1), 6(%rsp)
	leaq gdt(%rip), %rax
	movq %rax, 8(%rsp)
	lgdt 6(%rsp)
	/* The handlers of firmware's IDT may be overwritten at any time: without one, an NMI resets the machine at once. */
	movw $0, 6(%rsp)
	lidt 6(%rsp)
	addq $16, %rsp
	movl $DATA64, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	pushq $CODE64
	leaq 2f(%rip), %rax
	pushq %rax
	lretq
2:
	/* The copies: 64 bytes a turn, by 16. Plain moves are as fast as string moves where those are fast,
	 * and much faster where they are emulated. */
	pxor %xmm15, %xmm15
next_page:
	testq %r11, %r11
	jz copied
	movq COPY_PAGE_COUNT(%r11), %r10
	leaq COPY_PAGE_FIRST(%r11), %r12
next_copy:
	testq %r10, %r10
	jz page_done
	movq COPY_TO(%r12), %rdi
	movq COPY_FROM(%r12), %rsi
	movq COPY_PAGES(%r12), %rcx
	shlq $6, %rcx
	testq %rsi, %rsi
	jz zero
copy:
	movdqa (%rsi), %xmm0
	movdqa 16(%rsi), %xmm1
	movdqa 32(%rsi), %xmm2
	movdqa 48(%rsi), %xmm3
	movdqa %xmm0, (%rdi)
	movdqa %xmm1, 16(%rdi)
	movdqa %xmm2, 32(%rdi)
	movdqa %xmm3, 48(%rdi)
	addq $64, %rsi
	addq $64, %rdi
	decq %rcx
	jnz copy
	jmp copy_done
zero:
	movdqa %xmm15, (%rdi)
	movdqa %xmm15, 16(%rdi)
	movdqa %xmm15, 32(%rdi)
	movdqa %xmm15, 48(%rdi)
	addq $64, %rdi
	decq %rcx
	jnz zero
copy_done:
	addq $COPY_SIZE, %r12
	decq %r10
	jmp next_copy
page_done:
	movq COPY_PAGE_NEXT(%r11), %r11
	jmp next_page
copied:
	pxor %xmm0, %xmm0
	pxor %xmm1, %xmm1
	pxor %xmm2, %xmm2
	pxor %xmm3, %xmm3

#ifdef THAW_TEST
	/* Set in the copy by thaw_handoff_halt() of a test build: says where it is and stops. */
	cmpb $0, halt_here(%rip)
	je 4f
	leaq halt_message(%rip), %rsi
	movl $0x402, %edx
	movl $(halt_message_end - halt_message), %ecx
3:
	lodsb
	outb %al, %dx
	decl %ecx
	jnz 3b
5:
	hlt
	jmp 5b
4:
#endif

	testq %rbp, %rbp
	jz jump

	/*
	 * CR4.LA57 can only change with paging off, which is only possible from 32-bit code. r8 and r9 keep their
	 * values on every processor in practice, but not by the book (Intel SDM vol. 1, 3.4.1.1): so on the stack.
	 */
	pushq %r9
	pushq %r8
	leaq back64(%rip), %rsi
	pushq $CODE32
	leaq depth32(%rip), %rax
	pushq %rax
	lretq

	.code32
depth32:
	movl %cr0, %eax
	andl $~CR0_PG, %eax
	movl %eax, %cr0
	movl %cr4, %eax
	xorl $CR4_LA57, %eax
	movl %eax, %cr4
	movl %ebp, %cr3
	/* EFER.LME is still set, so that paging brings long mode back. */
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	pushl $CODE64
	pushl %esi
	lretl

	.code64
back64:
	movl %esp, %esp
	popq %r8
	popq %r9

jump:
	/* What the image kernel expects: r8 the address it is entered at, r9 its CR3. */
	jmp *%r8

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* CODE32 */
	.quad 0x00af9b000000ffff	/* CODE64 */
	.quad 0x00cf93000000ffff	/* DATA64 */
gdt_end:
#ifdef THAW_TEST
	.globl thaw_trampoline_halt
thaw_trampoline_halt:
halt_here:
	.byte 0
halt_message:
	.ascii "CHECKPOINT jump\n"
halt_message_end:
#endif
	/* Half of the page is code, which fails to assemble if it is longer; the other half is stack. */
	.org thaw_trampoline_start + 2048
thaw_trampoline_end:
