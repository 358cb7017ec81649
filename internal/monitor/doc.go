// Package monitor lets a watching process be seen: its status by HTTP, on a unix socket
// and on demand on a TCP address, as metrics for Prometheus, and as JSON. It knows nothing
// but the status that it asks for at each request, and changes nothing.
package monitor
