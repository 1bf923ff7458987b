package encode

import "mkbtf/dedup"

func addFunctions(res *dedup.Result, fs []function, note func(string, ...any)) error { return nil }
