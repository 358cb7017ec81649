// Package status is what a watching host tells of itself: plain data, made by the loop,
// and shown as text, JSON and metrics. It performs no I/O.
package status
