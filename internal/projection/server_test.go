package projection

import (
	"testing"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/rpc"
)

// A reviewer sees the tasks of review of the other reviewers of the own region, and
// nobody's of another region.
func TestTasksOfAnotherRegion(t *testing.T) {
	everywhere(t, func(t *testing.T, f *fixture) {
		const elsewhere = "regions/330106"
		assignees := map[string]string{
			region + "/people/li":                                 "",
			elsewhere + "/people/li":                              rpc.ReasonRoleRequired,
			auth.RoleViewer(elsewhere, corev1.Role_ROLE_REVIEWER): rpc.ReasonRoleRequired,
			region + "1/people/li":                                rpc.ReasonRoleRequired,
			"people/li":                                           rpc.ReasonRoleRequired,
		}
		n := 0
		for assignee := range assignees {
			n++
			subject := paperName(n)
			f.ok(f.rows.tasks.Put(t.Context(), &corev1.Task{
				Name: region + "/tasks/" + subject[len(subject)-5:], Subject: subject, Resource: subject,
				Kind: corev1.Task_REVIEW_CASE, State: corev1.Task_OPEN, Assignee: assignee, Title: "示例", Rank: "2026-12-01",
			}))
		}
		s := NewServer(f.clock.Now, f.Projector)
		ctx := auth.WithCaller(t.Context(), auth.Caller{Person: region + "/people/zhang", Region: region, Roles: []corev1.Role{corev1.Role_ROLE_REVIEWER}})
		for assignee, reason := range assignees {
			in := &corev1.ListTasksRequest{Parent: region, Service: "papers", Assignee: assignee}
			want := 1
			if reason != "" {
				want = 0
			}
			if res, err := s.ListTasks(ctx, in); rpc.Reason(err) != reason || len(res.GetTasks()) != want {
				t.Errorf("%s: %d tasks, %v, want %q", assignee, len(res.GetTasks()), err, reason)
			}
		}
	})
}
