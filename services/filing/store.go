package filing

import (
	"fashen/internal/docstore"
	"fashen/internal/intent"
)

// Collections declares what the service stores, for tools that open a store
// themselves: the load tool fills and reads one without the service.
func Collections() []docstore.Spec { return []docstore.Spec{documentsSpec, dispositionsSpec} }

// documentsSpec keeps documents. Every list goes through the viewers, so every
// index begins with them; but that of the few that wait for another service.
var documentsSpec = docstore.Spec{
	Name: "documents",
	Indexes: []docstore.Index{
		{Fields: []string{intent.FieldState}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "state", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "drafting_unit", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "drafting_unit", "state", docstore.FieldCreateTime}},
	},
}

// dispositionsSpec keeps one for each finding that somebody decided on. They are
// read with their document, by name; whoever sees it sees them.
var dispositionsSpec = docstore.Spec{Name: "dispositions"}
