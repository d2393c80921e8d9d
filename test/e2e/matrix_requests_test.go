package e2e

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// requests are the requests of the table by its first two columns: whole and of
// the right shape, and either without an effect or refused for what they say, so
// that they may be made again.
func requests(t *testing.T) map[string]ask {
	t.Helper()
	asks := transfers()
	for _, of := range []map[string]func(n names) proto.Message{
		workRequests(t),
		sessionRequests, systemRequests, identityRequests, checkpointRequests, delegationRequests, webhookRequests, intentRequests, directoryRequests(t), filingRequests(t), counselRequests, competitionRequests, reviewRequests(t), matterRequests, registerRequests, letterRequests, solicitationRequests,
	} {
		for key, build := range of {
			method, _, _ := strings.Cut(key, " ")
			asks[key] = unary(t, method, build)
		}
	}
	refresh := asks[sessionService+"RefreshSession"]
	if refresh != nil {
		t.Fatal("a refresh token is good once: its request is made here")
	}
	asks[sessionService+"RefreshSession"] = func(ctx context.Context, c client, token string, n names) *failure {
		out := &directoryv1.Session{}
		f := c.call(ctx, token, sessionService+"RefreshSession", &directoryv1.RefreshSessionRequest{RefreshToken: *n.refresh}, out)
		if f == nil {
			*n.refresh = out.GetRefreshToken()
		}
		return f
	}
	return asks
}

// transfers are the requests that stream.
func transfers() map[string]ask {
	material := func(kind filingv1.Material_Kind) ask {
		return func(ctx context.Context, c client, token string, n names) *failure {
			up := &filingv1.MaterialUpload{Name: n.document, Kind: kind, Filename: "material.docx", Etag: n.etag}
			_, f := c.uploadMaterial(ctx, token, up, strings.NewReader("PK\x03\x04 not a file anybody can read"))
			return f
		}
	}
	asks := map[string]ask{
		matterService + "UploadMatterFile": func(ctx context.Context, c client, token string, n names) *failure {
			up := &counselv1.MatterUpload{Name: n.matter, Kind: counselv1.MatterFile_DRAFT, Filename: "a.txt", Etag: n.etag}
			_, f := sendToMatter(ctx, c, token, up, []byte(agreement))
			return f
		},
		matterService + "DownloadMatterFile": func(ctx context.Context, c client, token string, n names) *failure {
			_, f := fetchFromMatter(ctx, c, token, n.matter, 1)
			return f
		},
		filingService + "UploadMaterial":            material(filingv1.Material_OTHER),
		filingService + "UploadMaterial conclusion": material(filingv1.Material_COMPETITION_CONCLUSION),
		filingService + "UploadRevision": func(ctx context.Context, c client, token string, n names) *failure {
			_, f := c.uploadRevision(ctx, token, &filingv1.RevisionUpload{Parent: n.document, Filename: "draft.docx", Etag: n.etag}, bytes.NewReader(n.file))
			return f
		},
		"fashen.core.v1.FeedService/Watch": func(ctx context.Context, c client, token string, n names) *failure {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			_, f := c.watch(ctx, token, &corev1.WatchRequest{Parent: n.region, Service: "filing"})()
			return f
		},
		identityService + "WatchRevocations": func(ctx context.Context, c client, token string, _ names) *failure {
			return c.(overGRPC).watchRevocations(ctx, token)
		},
		filingService + "DownloadRevision": func(ctx context.Context, c client, token string, n names) *failure {
			_, f := c.downloadRevision(ctx, token, n.revision)
			return f
		},
		filingService + "DownloadMaterial": func(ctx context.Context, c client, token string, n names) *failure {
			_, f := downloadMaterial(ctx, c, token, n.document, filingv1.Material_LEGAL_BASIS)
			return f
		},
	}
	for key, build := range madeRequests {
		method, _, _ := strings.Cut(key, " ")
		asks[key] = func(ctx context.Context, c client, token string, n names) *failure {
			_, f := made(ctx, c, token, method, build(n))
			return f
		}
	}
	return asks
}

var intentRequests = map[string]func(n names) proto.Message{
	intentService + "ListIntents": func(n names) proto.Message {
		return &corev1.ListIntentsRequest{Parent: n.region, Service: "filing"}
	},
	intentService + "RetryIntent": func(n names) proto.Message {
		return &corev1.RetryIntentRequest{Name: n.document + "/intents/" + absentID, Service: "filing"}
	},
	intentService + "RetryIntent assignment": func(n names) proto.Message {
		return &corev1.RetryIntentRequest{Name: n.assignment + "/intents/" + absentID, Service: "counsel"}
	},
}

func fields(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

var sessionRequests = map[string]func(n names) proto.Message{
	sessionService + "SignIn": func(names) proto.Message {
		return &directoryv1.SignInRequest{Login: "visitor", Password: password}
	},
	sessionService + "ActivateSignIn": func(names) proto.Message {
		return &directoryv1.ActivateSignInRequest{Login: "visitor", OneTimeCode: "NOT-A-CODE", Password: "weak"}
	},
	sessionService + "BeginSession": func(names) proto.Message {
		return &directoryv1.BeginSessionRequest{Login: "visitor", IssueTime: timestamppb.Now()}
	},
	sessionService + "GetCaller": func(names) proto.Message { return &directoryv1.GetCallerRequest{} },
	sessionService + "SignOut":   func(names) proto.Message { return &directoryv1.SignOutRequest{} },
}

func directoryRequests(t *testing.T) map[string]func(n names) proto.Message {
	t.Helper()
	const s = directoryService
	return map[string]func(n names) proto.Message{
		s + "CreateRegion": func(names) proto.Message {
			return &directoryv1.CreateRegionRequest{RegionId: "120101", Region: &directoryv1.Region{DisplayName: "示例区划"}}
		},
		s + "GetRegion":   func(n names) proto.Message { return &directoryv1.GetRegionRequest{Name: n.region} },
		s + "ListRegions": func(names) proto.Message { return &directoryv1.ListRegionsRequest{} },
		s + "CreateBureau": func(n names) proto.Message {
			return &directoryv1.CreateBureauRequest{Parent: n.region, Bureau: &directoryv1.Bureau{
				DisplayName: "示例单位", Uscc: "11120105990000017P", Kind: directoryv1.BureauKind_BUREAU_KIND_DEPARTMENT,
			}}
		},
		s + "GetBureau":   func(n names) proto.Message { return &directoryv1.GetBureauRequest{Name: n.bureau} },
		s + "ListBureaus": func(n names) proto.Message { return &directoryv1.ListBureausRequest{Parent: n.region} },
		s + "UpdateBureau": func(n names) proto.Message {
			return &directoryv1.UpdateBureauRequest{
				Bureau:     &directoryv1.Bureau{Name: n.bureau, DisplayName: "示例单位", Etag: "stale"},
				UpdateMask: fields("display_name"),
			}
		},
		s + "CreatePerson": func(n names) proto.Message {
			return &directoryv1.CreatePersonRequest{Parent: n.region, Person: &directoryv1.Person{DisplayName: "示例人员", Login: "drafter", LawFirm: otherFirm}}
		},
		s + "GetPerson":  func(n names) proto.Message { return &directoryv1.GetPersonRequest{Name: n.spare} },
		s + "ListPeople": func(n names) proto.Message { return &directoryv1.ListPeopleRequest{Parent: n.region} },
		s + "SetPersonRoles": func(n names) proto.Message {
			return &directoryv1.SetPersonRolesRequest{Name: n.spare, Roles: []corev1.Role{corev1.Role_ROLE_COUNSEL}}
		},
		s + "RevokeSessions":                  func(n names) proto.Message { return &directoryv1.RevokeSessionsRequest{Name: n.spare} },
		s + "IssueOneTimeCode":                func(n names) proto.Message { return &directoryv1.IssueOneTimeCodeRequest{Name: n.spare} },
		s + "DisablePerson":                   func(n names) proto.Message { return &directoryv1.DisablePersonRequest{Name: n.leaver} },
		s + "ListDirectoryHistory":            func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.spare} },
		s + "ListDirectoryHistory bureau":     func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.bureau} },
		s + "ListDirectoryHistory system":     func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.system} },
		s + "ListDirectoryHistory key":        func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.apiKey} },
		s + "ListDirectoryHistory delegation": func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.delegation} },
		s + "ListDirectoryHistory webhook":    func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.webhook} },
		s + "ListDirectoryHistory profile":    func(n names) proto.Message { return &directoryv1.ListDirectoryHistoryRequest{Parent: n.profile} },
		s + "ImportCalendar": func(names) proto.Message {
			return &directoryv1.ImportCalendarRequest{Calendar: &directoryv1.Calendar{Year: 2031, DaysOff: []string{"2031-01-01"}, Source: "示例通知"}}
		},
		s + "GetCalendar":   func(names) proto.Message { return &directoryv1.GetCalendarRequest{Name: "calendars/2026"} },
		s + "ListCalendars": func(names) proto.Message { return &directoryv1.ListCalendarsRequest{} },
		s + "CreateJurisdictionProfile": func(n names) proto.Message {
			p := proto.Clone(n.whole).(*directoryv1.JurisdictionProfile)
			p.Name, p.CreateTime, p.EffectiveDate = "", nil, date(t, "2090-01-01")
			return &directoryv1.CreateJurisdictionProfileRequest{Parent: n.region, JurisdictionProfile: p}
		},
		s + "GetJurisdictionProfile":   func(n names) proto.Message { return &directoryv1.GetJurisdictionProfileRequest{Name: n.profile} },
		s + "ListJurisdictionProfiles": func(n names) proto.Message { return &directoryv1.ListJurisdictionProfilesRequest{Parent: n.region} },
		s + "ResolveJurisdictionProfile": func(n names) proto.Message {
			return &directoryv1.ResolveJurisdictionProfileRequest{Parent: n.region}
		},
		s + "ComputeDeadline": func(n names) proto.Message {
			return &directoryv1.ComputeDeadlineRequest{
				Region: n.region, Kind: directoryv1.ComputeDeadlineRequest_WORKING_DAYS, StartDate: date(t, "2026-04-08"), Days: 5,
			}
		},
	}
}

func filingRequests(t *testing.T) map[string]func(n names) proto.Message {
	t.Helper()
	const s = filingService
	return map[string]func(n names) proto.Message{
		s + "CreateDocument": func(n names) proto.Message {
			return &filingv1.CreateDocumentRequest{Parent: n.region, Document: &filingv1.Document{
				Title: "示例办法", IssuingAuthority: n.bureau, OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
			}}
		},
		s + "GetDocument":   func(n names) proto.Message { return &filingv1.GetDocumentRequest{Name: n.document} },
		s + "ListDocuments": func(n names) proto.Message { return &filingv1.ListDocumentsRequest{Parent: n.region} },
		s + "GetRevision":   func(n names) proto.Message { return &filingv1.GetRevisionRequest{Name: n.revision} },
		s + "CompareRevisions": func(n names) proto.Message {
			return &filingv1.CompareRevisionsRequest{Name: n.revision, Base: n.revision}
		},
		s + "GetRevisionText": func(n names) proto.Message { return &filingv1.GetRevisionTextRequest{Name: n.revision} },
		s + "ListFindings":    func(n names) proto.Message { return &filingv1.ListFindingsRequest{Parent: n.revision} },
		s + "ListFindingHistory": func(n names) proto.Message {
			return &filingv1.ListFindingHistoryRequest{Parent: n.revision + "/findings/f1"}
		},
		s + "ConfirmFinding": func(n names) proto.Message {
			return &filingv1.ConfirmFindingRequest{Name: n.revision + "/findings/f1", Etag: "stale"}
		},
		s + "DismissFinding": func(n names) proto.Message {
			return &filingv1.DismissFindingRequest{
				Name: n.revision + "/findings/f1", Ground: corev1.Disposition_MISREAD, Reason: "文意与规则所指不同", Etag: "stale",
			}
		},
		s + "ClaimException": func(n names) proto.Message {
			return &filingv1.ClaimExceptionRequest{
				Name: n.revision + "/findings/f1", Basis: corev1.ExceptionClaim_PUBLIC_INTEREST, Statement: "救灾救助需要",
				Alternatives: "没有影响更小的方案", Term: "一年", Etag: "stale",
			}
		},
		s + "ReopenFinding": func(n names) proto.Message {
			return &filingv1.ReopenFindingRequest{Name: n.revision + "/findings/f1", Reason: "原处理意见有误", Etag: "stale"}
		},
		s + "ResolveAnchors": func(n names) proto.Message {
			return &filingv1.ResolveAnchorsRequest{Name: n.revision, Anchors: []*corev1.Anchor{{Article: 4, Quote: "另行给予十万元奖励"}}}
		},
		s + "ListDocumentHistory": func(n names) proto.Message { return &filingv1.ListDocumentHistoryRequest{Parent: n.document} },
		s + "UpdateDocument": func(n names) proto.Message {
			return &filingv1.UpdateDocumentRequest{
				Document: &filingv1.Document{
					Name: n.document, Title: "示例区见习补贴管理办法", IssuingAuthority: n.bureau,
					OperatorImpact: &filingv1.OperatorImpact{TouchesOperators: true},
				},
				UpdateMask: fields("title"),
			}
		},
		s + "RecordConsultation": func(n names) proto.Message {
			return &filingv1.RecordConsultationRequest{Name: n.document, Consultation: &filingv1.Consultation{
				OpenDate: date(t, "2026-03-02"), CloseDate: date(t, "2026-03-10"), Channel: "示例区政府网站",
			}}
		},
		s + "RecordCompetitionConclusion": func(n names) proto.Message {
			return &filingv1.RecordCompetitionConclusionRequest{
				Name: n.document, Revision: n.revision, Outcome: filingv1.CompetitionConclusion_COMPLIES, Summary: "示例结论。",
			}
		},
		s + "CarryCompetitionConclusion": func(n names) proto.Message {
			return &filingv1.CarryCompetitionConclusionRequest{Name: n.document, Revision: n.revision, Reason: "修改内容不涉及经营者。"}
		},
		s + "SubmitDocument": func(n names) proto.Message { return &filingv1.SubmitDocumentRequest{Name: n.document} },
		s + "DeliberateDocument": func(n names) proto.Message {
			return &filingv1.DeliberateDocumentRequest{Name: n.document, MeetingDate: date(t, "2026-05-12"), ValidateOnly: true}
		},
		s + "SetDocumentViewer": func(n names) proto.Message {
			return &filingv1.SetDocumentViewerRequest{Name: n.document, Viewer: n.spare, Visible: true, Assignment: n.assignment}
		},
	}
}

var counselRequests = map[string]func(n names) proto.Message{
	counselService + "OpenCase": func(n names) proto.Message {
		return &counselv1.OpenCaseRequest{
			Parent: n.region, Subject: n.document, Submission: 2, Revision: n.revision, VersionDigest: n.digest,
			Title: "示例办法", DraftingUnit: n.bureau, Transition: "submit-1",
		}
	},
	counselService + "GetVerdict": func(n names) proto.Message {
		return &counselv1.GetVerdictRequest{Subject: n.document, VersionDigest: n.digest}
	},
	counselService + "WithdrawCertificate": func(n names) proto.Message {
		return &counselv1.WithdrawCertificateRequest{Subject: n.document, Transition: "example", Reason: "示例"}
	},
	counselService + "CertifyVerdict": func(n names) proto.Message {
		return &counselv1.CertifyVerdictRequest{Subject: n.document, VersionDigest: n.digest, Transition: "example", VerdictEtag: "stale"}
	},
	counselService + "GetCase":         func(n names) proto.Message { return &counselv1.GetCaseRequest{Name: n.review} },
	counselService + "ListCases":       func(n names) proto.Message { return &counselv1.ListCasesRequest{Parent: n.region} },
	counselService + "ListCaseHistory": func(n names) proto.Message { return &counselv1.ListCaseHistoryRequest{Parent: n.review} },
	counselService + "AcceptCase":      func(n names) proto.Message { return &counselv1.AcceptCaseRequest{Name: n.review} },
	counselService + "ReturnCase": func(n names) proto.Message {
		return &counselv1.ReturnCaseRequest{Name: n.review, Reason: "材料与送审稿不符", Etag: "stale"}
	},
	counselService + "RequestSupplement": func(n names) proto.Message {
		return &counselv1.RequestSupplementRequest{Name: n.review, Reason: "请补充制定依据", Etag: "stale"}
	},
	counselService + "ConcludeCase": func(n names) proto.Message {
		return &counselv1.ConcludeCaseRequest{Name: n.review, Opinion: n.draftReview}
	},
	counselService + "ConfirmRevision": func(n names) proto.Message {
		return &counselv1.ConfirmRevisionRequest{Name: n.review, VersionDigest: n.digest, Note: "逐条比对。"}
	},
	counselService + "AnswerItem": func(n names) proto.Message {
		return &counselv1.AnswerItemRequest{Name: n.review, Number: 1, Answer: &counselv1.Answer{Adoption: counselv1.Answer_ADOPTED}}
	},
	counselService + "CreateOpinion": func(n names) proto.Message {
		return &counselv1.CreateOpinionRequest{Parent: n.review, Opinion: &counselv1.Opinion{
			Items: []*counselv1.OpinionItem{item(4, "稿中没有的话")},
		}}
	},
	counselService + "GetOpinion signed review":    getOpinion(func(n names) string { return n.signedReview }),
	counselService + "GetOpinion signed counsel":   getOpinion(func(n names) string { return n.signedCounsel }),
	counselService + "GetOpinion draft review":     getOpinion(func(n names) string { return n.draftReview }),
	counselService + "GetOpinion draft counsel":    getOpinion(func(n names) string { return n.draftCounsel }),
	counselService + "ListOpinions":                func(n names) proto.Message { return &counselv1.ListOpinionsRequest{Parent: n.review} },
	counselService + "UpdateOpinion draft review":  updateOpinion(func(n names) string { return n.draftReview }),
	counselService + "UpdateOpinion draft counsel": updateOpinion(func(n names) string { return n.draftCounsel }),
	counselService + "UpdateOpinion signed review": updateOpinion(func(n names) string { return n.signedReview }),
	counselService + "SignOpinion draft review":    signOpinion(func(n names) string { return n.draftReview }),
	counselService + "SignOpinion draft counsel":   signOpinion(func(n names) string { return n.draftCounsel }),
	counselService + "CreateAssignment": func(n names) proto.Message {
		return &counselv1.CreateAssignmentRequest{Parent: n.review, Assignment: &counselv1.Assignment{Counsel: n.person, Question: "是否合法？"}}
	},
	counselService + "RequestClarification": func(n names) proto.Message {
		return &counselv1.RequestClarificationRequest{Name: n.assignment, Opinion: n.signedReview, Question: "示例问题？"}
	},
	counselService + "AnswerClarification": func(n names) proto.Message {
		return &counselv1.AnswerClarificationRequest{Name: n.assignment, Answer: "示例答复。"}
	},
	counselService + "WithdrawAssignment": func(n names) proto.Message {
		return &counselv1.WithdrawAssignmentRequest{Name: n.assignment, Reason: "示例", Etag: "stale"}
	},
	counselService + "CloseAssignment": func(n names) proto.Message {
		return &counselv1.CloseAssignmentRequest{Name: n.assignment, Evaluation: &counselv1.Evaluation{Score: 5}, Etag: "stale"}
	},
	counselService + "GetAssignment":   func(n names) proto.Message { return &counselv1.GetAssignmentRequest{Name: n.assignment} },
	counselService + "ListAssignments": func(n names) proto.Message { return &counselv1.ListAssignmentsRequest{Parent: n.review} },
	counselService + "DeclareConflict": func(n names) proto.Message {
		return &counselv1.DeclareConflictRequest{Name: n.assignment, Result: counselv1.DeclareConflictRequest_CLEAR}
	},
	counselService + "WaiveConflict": func(n names) proto.Message {
		return &counselv1.WaiveConflictRequest{Name: n.assignment, Consent: "示例书面同意"}
	},
}

func getOpinion(of func(names) string) func(names) proto.Message {
	return func(n names) proto.Message { return &counselv1.GetOpinionRequest{Name: of(n)} }
}

func updateOpinion(of func(names) string) func(names) proto.Message {
	return func(n names) proto.Message {
		return &counselv1.UpdateOpinionRequest{Opinion: &counselv1.Opinion{Name: of(n), Summary: "示例草稿，改。"}, UpdateMask: fields("summary")}
	}
}

func signOpinion(of func(names) string) func(names) proto.Message {
	return func(n names) proto.Message { return &counselv1.SignOpinionRequest{Name: of(n)} }
}
