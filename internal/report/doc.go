// Package report shows what package compare measured to people: as a plot in SVG or PNG,
// and as a page in HTML that needs nothing but itself.
//
// The plot has one point a form: how many bytes the form adds to the modules against how
// many kernels take it. The page has the plot, the tables and a list of all modules that
// can be sorted and filtered. The same report gives the same bytes.
package report
