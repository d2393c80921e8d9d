package counsel

import (
	"context"

	counselv1 "fashen/gen/fashen/counsel/v1"
	"fashen/internal/docstore"
	"fashen/internal/intent"
	"fashen/internal/register"
)

type (
	caseStore       = docstore.Collection[*counselv1.Case]
	opinionStore    = docstore.Collection[*counselv1.Opinion]
	assignmentStore = docstore.Collection[*counselv1.Assignment]
	checkStore      = docstore.Collection[*counselv1.Check]
	commentStore    = docstore.Collection[*counselv1.Comment]
	matterStore     = docstore.Collection[*counselv1.Matter]
	entryStore      = docstore.Collection[*counselv1.CounselEntry]
	letterStore     = docstore.Collection[*counselv1.Letter]
	engagementStore = docstore.Collection[*counselv1.Engagement]

	solicitationStore = docstore.Collection[*counselv1.Solicitation]
	replyStore        = docstore.Collection[*counselv1.Reply]
)

var casesSpec = docstore.Spec{
	Name: "cases",
	Indexes: []docstore.Index{
		{Fields: []string{"subject"}, Unique: true},
		{Fields: []string{"state", "due_date"}}, // counted for operators
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "state", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "reviewer", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "reviewer", "state", docstore.FieldCreateTime}},
	},
}

var opinionsSpec = docstore.Spec{
	Name: "opinions",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldViewers, docstore.FieldName}},
	},
}

var assignmentsSpec = docstore.Spec{
	Name: "assignments",
	Indexes: []docstore.Index{
		{Fields: []string{"case", "counsel"}, Unique: true},
		{Fields: []string{"counsel", "state"}},
		{Fields: []string{intent.FieldState}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldName}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
	},
}

var checksSpec = docstore.Spec{
	Name: "checks",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldViewers, docstore.FieldName}},
		{Fields: []string{docstore.FieldParent, "content_digest"}},
	},
}

var mattersSpec = docstore.Spec{
	Name: "matters",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
	},
}

var commentsSpec = docstore.Spec{
	Name: "comments",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldViewers, docstore.FieldName}},
	},
}

var entriesSpec = docstore.Spec{
	Name: "counsel_entries",
	Indexes: []docstore.Index{
		{Fields: []string{"person"}, Unique: true},
		{Fields: []string{docstore.FieldParent, "organization"}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "state", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "kind", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "kind", "state", docstore.FieldCreateTime}},
	},
}

var engagementsSpec = docstore.Spec{
	Name: "engagements",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldParent, "contract_number"}, Unique: true},
		{Fields: []string{docstore.FieldViewers, docstore.FieldName}},
		{Fields: []string{docstore.FieldViewers, "end_date"}},
	},
}

var solicitationsSpec = docstore.Spec{
	Name: "solicitations",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldParent, "state", docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldName}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
	},
}

var repliesSpec = docstore.Spec{
	Name: "replies",
	Indexes: []docstore.Index{
		{Fields: []string{"case", "handled"}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldName}},
	},
}

var lettersSpec = docstore.Spec{
	Name: "letters",
	Indexes: []docstore.Index{
		{Fields: []string{"register_number"}, Unique: true},
		{Fields: []string{"document_number", "verification_code"}},
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}},
		{Fields: []string{docstore.FieldViewers, "case", docstore.FieldCreateTime}},
	},
}

func (s *Server) open(ctx context.Context, engine docstore.Engine, o docstore.Options) (err error) {
	if s.cases, err = docstore.NewCollection[*counselv1.Case](ctx, engine, casesSpec, o); err != nil {
		return err
	}
	if s.opinions, err = docstore.NewCollection[*counselv1.Opinion](ctx, engine, opinionsSpec, o); err != nil {
		return err
	}
	if s.assignments, err = docstore.NewCollection[*counselv1.Assignment](ctx, engine, assignmentsSpec, o); err != nil {
		return err
	}
	if s.checks, err = docstore.NewCollection[*counselv1.Check](ctx, engine, checksSpec, o); err != nil {
		return err
	}
	if s.comments, err = docstore.NewCollection[*counselv1.Comment](ctx, engine, commentsSpec, o); err != nil {
		return err
	}
	if s.matters, err = docstore.NewCollection[*counselv1.Matter](ctx, engine, mattersSpec, o); err != nil {
		return err
	}
	if s.entries, err = docstore.NewCollection[*counselv1.CounselEntry](ctx, engine, entriesSpec, o); err != nil {
		return err
	}
	if s.engagements, err = docstore.NewCollection[*counselv1.Engagement](ctx, engine, engagementsSpec, o); err != nil {
		return err
	}
	if s.solicited, err = docstore.NewCollection[*counselv1.Solicitation](ctx, engine, solicitationsSpec, o); err != nil {
		return err
	}
	if s.replies, err = docstore.NewCollection[*counselv1.Reply](ctx, engine, repliesSpec, o); err != nil {
		return err
	}
	if s.issued, err = docstore.NewCollection[*counselv1.Letter](ctx, engine, lettersSpec, o); err != nil {
		return err
	}
	s.register, err = register.Open(ctx, engine, o)
	return err
}
