package dwarf2btf

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-delve/delve/pkg/dwarf/op"
)

var errExpression = errors.New("expression")

// memberExpression evaluates a member location: what it adds to the address of
// the object.
func (w *Worker) memberExpression(expr []byte) (uint64, error) {
	if len(expr) > 1 {
		switch op.Opcode(expr[0]) {
		case op.DW_OP_plus_uconst, op.DW_OP_constu:
			if v, n := uleb128(expr[1:]); n == len(expr)-1 {
				return v, nil
			}
		}
	}
	v, pieces, err := w.evaluate(append([]byte{byte(op.DW_OP_lit0)}, expr...))
	if err != nil {
		return 0, err
	}
	if len(pieces) != 0 || v < 0 {
		return 0, fmt.Errorf("%w is not an offset", errExpression)
	}
	return uint64(v), nil
}

// evaluate runs a location expression that needs no registers and no memory.
func (w *Worker) evaluate(expr []byte) (v int64, pieces []op.Piece, err error) {
	if !w.straight(expr) {
		return 0, nil, fmt.Errorf("%w is not a plain computation", errExpression)
	}
	defer func() {
		if r := recover(); r != nil { // the evaluator trusts its input
			err = fmt.Errorf("%w: %v", errExpression, r)
		}
	}()
	regs := op.DwarfRegisters{ByteOrder: w.c.src.Order}
	return op.ExecuteStackProgram(regs, expr, int(w.cur.addrSize), func([]byte, uint64) (int, error) {
		return 0, fmt.Errorf("%w reads memory", errExpression)
	})
}

// printExpression is an expression in words, for notes.
func (w *Worker) printExpression(expr []byte) (s string) {
	if w.c.opts.Note == nil {
		return ""
	}
	var b bytes.Buffer
	defer func() {
		if recover() != nil {
			s = fmt.Sprintf("% x", expr)
		}
	}()
	op.PrettyPrint(&b, expr, w.c.registers.name)
	return b.String()
}

// straight reports whether an expression consists of arithmetic only: no
// branches, which could run for ever, and no operation with unknown operands.
func (w *Worker) straight(expr []byte) bool {
	for pos := 0; pos < len(expr); {
		o := op.Opcode(expr[pos])
		pos++
		fixed, lebs := 0, 0
		switch {
		case o == op.DW_OP_addr:
			fixed = int(w.cur.addrSize)
		case o == op.DW_OP_const1u || o == op.DW_OP_const1s || o == op.DW_OP_pick:
			fixed = 1
		case o == op.DW_OP_const2u || o == op.DW_OP_const2s:
			fixed = 2
		case o == op.DW_OP_const4u || o == op.DW_OP_const4s:
			fixed = 4
		case o == op.DW_OP_const8u || o == op.DW_OP_const8s:
			fixed = 8
		case o == op.DW_OP_constu || o == op.DW_OP_consts || o == op.DW_OP_plus_uconst:
			lebs = 1
		case o == op.DW_OP_bra || o == op.DW_OP_skip:
			return false
		case o >= op.DW_OP_dup && o <= op.DW_OP_ne: // stack, arithmetic, comparison
		case o >= op.DW_OP_lit0 && o <= op.DW_OP_lit31:
		default:
			return false
		}
		for range lebs {
			_, n := uleb128(expr[min(pos, len(expr)):])
			if n == 0 {
				return false
			}
			pos += n
		}
		if pos += fixed; pos > len(expr) {
			return false
		}
	}
	return true
}
