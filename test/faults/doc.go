// Package faults holds the tests of what is left on disk when something fails while
// mkbtf writes: docs/faults.md has the results in a table.
package faults
