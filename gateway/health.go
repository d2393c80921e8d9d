package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// readyTimeout bounds the question to one service.
const readyTimeout = 2 * time.Second

// alive answers while the process serves at all.
func (g *gateway) alive(w http.ResponseWriter, _ *http.Request, _ *call) error {
	return answerHealth(w, http.StatusOK, health{Status: healthv1.HealthCheckResponse_SERVING.String()})
}

// health is the body of /healthz and /readyz.
type health struct {
	// Status is SERVING or NOT_SERVING.
	Status string `json:"status"`
	// Services gives the same for each service, by its full gRPC name.
	Services map[string]string `json:"services,omitempty"`
}

// ready asks every service by grpc.health.v1, and the gateway's own process, and
// answers 503 unless all serve.
func (g *gateway) ready(w http.ResponseWriter, r *http.Request, _ *call) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	services := slices.DeleteFunc(slices.Clone(g.services), func(s service) bool { return s.owner == "" })
	own := healthv1.HealthCheckResponse_SERVING
	states := make([]healthv1.HealthCheckResponse_ServingStatus, len(services))
	var wg sync.WaitGroup
	for i, s := range services {
		wg.Go(func() { states[i] = healthOf(ctx, s.conn, string(s.descriptor.FullName())) })
	}
	if g.self != nil {
		wg.Go(func() { own = healthOf(ctx, g.self, "") })
	}
	wg.Wait()
	h := health{Services: map[string]string{}}
	all := own == healthv1.HealthCheckResponse_SERVING
	for i, s := range services {
		h.Services[string(s.descriptor.FullName())] = states[i].String()
		all = all && states[i] == healthv1.HealthCheckResponse_SERVING
	}
	if !all {
		h.Status = healthv1.HealthCheckResponse_NOT_SERVING.String()
		return answerHealth(w, http.StatusServiceUnavailable, h)
	}
	h.Status = healthv1.HealthCheckResponse_SERVING.String()
	return answerHealth(w, http.StatusOK, h)
}

// healthOf is UNKNOWN where a service is not reached.
func healthOf(ctx context.Context, conn grpc.ClientConnInterface, service string) healthv1.HealthCheckResponse_ServingStatus {
	answer, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{Service: service})
	if err != nil {
		return healthv1.HealthCheckResponse_UNKNOWN
	}
	return answer.GetStatus()
}

func answerHealth(w http.ResponseWriter, status int, h health) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
	return nil
}
