// Package gateway offers the services' RPCs as REST, streams files up and down,
// and serves the OpenAPI description with a page to read it. It keeps no state.
//
// A request takes one way: headers and trace id, CORS, the route table, checks of
// query and body, then either the generated JSON handler, whose call passes
// through [callConn], or a transfer of a file. Every call reaches its service over
// a gRPC connection, so that the service's interceptors always run.
//
// What a client can rely on:
//
//   - An unknown path is 404, a wrong method 405 with Allow, an unknown query
//     parameter or body field 400 naming it, a body that is not JSON 415, one above
//     1 MiB (50 MiB for files) 413.
//   - Errors are AIP-193: {"error": {"code", "status", "message", "details"}}. The
//     message is Chinese; details hold google.rpc.ErrorInfo with a stable reason
//     and, where it applies, BadRequest or PreconditionFailure.
//   - A resource's etag is also the ETag header. If-Match guards every PATCH, custom
//     method and upload that has an etag; a stale one is 412.
//   - PATCH changes the fields of updateMask or, without it, the top-level fields in
//     the body, each replaced whole; name, etag and what the server sets are left
//     out, an unknown field is refused.
//   - Who signed in with a browser ([Browser]) is known by a cookie in the place of
//     authorization, on requests of this site's own pages alone.
//   - Only authorization, traceparent, accept-language and the client's address
//     reach a service; every answer names its trace in X-Trace-Id.
package gateway
