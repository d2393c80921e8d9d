package filing

import (
	"fashen/internal/docstore"
)

// Collections declares what the service stores, for tools that open a store
// themselves: the load tool fills and reads one without the service.
func Collections() []docstore.Spec { return []docstore.Spec{documentsSpec} }

// documentsSpec keeps documents. Every list goes through the viewers, so every
// index begins with them.
var documentsSpec = docstore.Spec{
	Name: "documents",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "state", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "drafting_unit", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "drafting_unit", "state", docstore.FieldCreateTime}},
	},
}
