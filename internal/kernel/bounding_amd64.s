#include "textflag.h"

// What the handler works with: a signal's handler is given nothing else.
GLOBL dropping<>(SB), NOPTR, $8 // a bit a capability
GLOBL behind<>(SB), NOPTR, $8   // the handler behind it
GLOBL heard<>(SB), NOPTR, $8    // how many threads it has run on

// func armDropper(drop uint64, next uintptr) (handler uintptr)
TEXT ·armDropper(SB), NOSPLIT, $0-24
	MOVQ drop+0(FP), AX
	MOVQ AX, dropping<>(SB)
	MOVQ next+8(FP), AX
	MOVQ AX, behind<>(SB)
	MOVQ $0, heard<>(SB)
	LEAQ dropper<>(SB), AX
	MOVQ AX, handler+16(FP)
	RET

// func droppers() uint64
TEXT ·droppers(SB), NOSPLIT, $0-8
	MOVQ heard<>(SB), AX
	MOVQ AX, ret+0(FP)
	RET

// dropper is a signal handler in the kernel's calling convention: DI, SI and DX are its
// arguments, and AX, CX, R8, R10 and R11 are its to use. Results are not looked at: if the
// first of the calls fails, it does so in the runtime's own handler, too, which notices.
TEXT dropper<>(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	PUSHQ DI
	PUSHQ SI
	PUSHQ DX
	PUSHQ BX
	PUSHQ R12
	MOVQ  dropping<>(SB), R12
	XORL  BX, BX

next:
	BTQ  BX, R12
	JCC  skip
	MOVL $157, AX // SYS_PRCTL
	MOVL $24, DI  // PR_CAPBSET_DROP
	MOVQ BX, SI
	XORL DX, DX
	XORL R10, R10
	XORL R8, R8
	SYSCALL

skip:
	INCL BX
	CMPL BX, $64
	JLT  next
	LOCK
	INCQ heard<>(SB)
	POPQ R12
	POPQ BX
	POPQ DX
	POPQ SI
	POPQ DI
	MOVQ behind<>(SB), AX
	JMP  AX
