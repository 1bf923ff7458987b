package check

import (
	"fmt"
	"io"
	"strings"

	"mkbtf/internal/verify"
)

// summaries say what an outcome means, for the report.
func (v *Verdict) summary() string {
	switch v.Outcome {
	case Loads:
		return "loads"
	case Garbage:
		return "loads as garbage"
	case Ignored:
		return "ignored"
	case None:
		return "has no BTF"
	}
	switch v.mismatch {
	case Yes:
		return "loads without its BTF"
	case No:
		return fmt.Sprintf("is refused (%s)", v.Errno)
	}
	return fmt.Sprintf("is refused (%s), or loads without its BTF if the kernel has CONFIG_MODULE_ALLOW_BTF_MISMATCH", v.Errno)
}

// Line is the verdict in one line: file, kernel, outcome, what the kernel logs, why,
// and what helps.
func (v *Verdict) Line() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: %s: %s", v.File, v.Kernel, v.summary())
	if v.Message != "" {
		fmt.Fprintf(&s, ": %q", strings.Join(strings.Fields(v.Message), " "))
	}
	if n := len(v.Reasons); n > 0 {
		fmt.Fprintf(&s, ": %s", v.Reasons[0])
		if n > 1 {
			fmt.Fprintf(&s, " (and %d more)", n-1)
		}
	}
	for _, w := range v.Warnings {
		fmt.Fprintf(&s, "; warning: %s", w)
	}
	if v.Live != "" {
		fmt.Fprintf(&s, "; the running kernel: %s", v.Live)
	}
	if len(v.Advice) > 0 {
		fmt.Fprintf(&s, ": %s", strings.Join(v.Advice, "; "))
	}
	return s.String()
}

// Details writes what Line leaves out, indented, a reason a line.
func (v *Verdict) Details(w io.Writer) error {
	if len(v.Reasons) < 2 {
		return nil
	}
	for _, r := range v.Reasons {
		if _, err := fmt.Fprintf(w, "\t%s\n", r); err != nil {
			return err
		}
	}
	return nil
}

// Log is what the kernel's log says when the module is inserted. Kernels with
// CONFIG_MODULE_ALLOW_BTF_MISMATCH print less, and since Linux 6.3 one line in each
// boot only.
func (v *Verdict) Log() []string {
	if v.Outcome != Refused {
		return nil
	}
	var lines []string
	for l := range strings.SplitSeq(v.Message, "\n") {
		if l != "" {
			lines = append(lines, "BPF: "+l)
		}
	}
	return append(lines, fmt.Sprintf("failed to validate module [%s] BTF: -%d", v.Module, v.errno))
}

const accepted = "accepted"

// AskRunning lets the running kernel's verifier look at the BTF as the module would
// have it, joined with the kernel's own (BPF_BTF_LOAD): it checks more than loading
// a module does. The kernel must be the running one.
func (k *Kernel) AskRunning(v *Verdict, m *Module) error {
	if !k.Live || len(m.BTF) == 0 {
		return nil
	}
	split := m.BTF
	if m.Base != nil {
		out, _, err := k.target.Relocate(m.BTF, m.Base)
		if err != nil {
			return nil // the verdict says why
		}
		split = out
	}
	blob, err := verify.Join(k.data, split)
	if err != nil {
		return err
	}
	log, err := verify.KernelLoad(blob)
	switch {
	case err == nil:
		v.Live = accepted
	case log == "":
		return err
	default:
		lines := strings.Split(strings.TrimSpace(log), "\n")
		v.Live = strings.Join(strings.Fields(lines[len(lines)-1]), " ")
	}
	return nil
}
