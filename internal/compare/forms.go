package compare

// form is what is known of a form before anything is measured.
type form struct {
	id              FormID
	label           string
	reach, programs string
}

// forms are all, in the order in which they are shown. docs/forms.md has the long
// version of the words.
var forms = []form{
	{FormNone, "none", "every kernel", "nothing of the module: neither its types nor its functions are known by name"},
	{FormSplit, "split", "the build it was made against", "everything; kernel types are the kernel's own"},
	{FormDistilled, "distilled", "6.11 and later that have the types in .BTF.base", "everything; kernel structs in .BTF.base are the kernel's own, other kernel types are copies"},
	{FormOwn, "self-contained, own", "every kernel from 6.11 on", "read the module's own types; a pointer to a kernel struct is passed on, and read with CO-RE by the kernel's own description"},
	{FormReachable, "self-contained, reachable", "every kernel from 6.11 on", "read all that functions, variables and tags lead to; kernel types are copies, which helpers and kfuncs do not take for the kernel's"},
	{FormAll, "self-contained, all", "every kernel from 6.11 on", "read all that the DWARF has; kernel types are copies, which helpers and kfuncs do not take for the kernel's"},
	{FormFound, "as found", "depends on what it is", "depends on what it is"},
}

// Label is the form's name for people.
func (id FormID) Label() string {
	for i := range forms {
		if forms[i].id == id {
			return forms[i].label
		}
	}
	return string(id)
}
