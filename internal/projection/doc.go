// Package projection works out, from the documents of a service and their
// journals, what is to be done by whom and what the yearly report counts, and
// answers for it.
//
// Each service declares how ([Declaration]): from one subject, the document as it
// is and its history, to the rows it makes. A [Projector] follows the service's
// feeds, works out the rows of every subject an entry may have changed, puts
// those that differ and removes those no longer made, and only then moves the
// watermark. So nothing depends on how often or in what order entries are seen,
// and a rebuild is the same work for every subject there is, while rows go on
// being answered.
//
// Rows decide nothing: no gate reads them.
package projection
