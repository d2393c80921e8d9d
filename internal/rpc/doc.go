// Package rpc is what every gRPC server and client of the system has in common:
// the steps a call passes before a method sees it, the errors people and programs
// get back, and the connections between services.
//
// A call passes, in this order: recover from panics, trace id, access log,
// deadline, authentication, authorization by the (fashen.core.v1.access) option
// of the method, removal of output-only fields, validation by the rules of the
// protos, and the origin of writes. A method without an access option refuses
// every call. A connection in memory passes the same steps as TCP.
package rpc
