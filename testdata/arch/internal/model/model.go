// Package model breaks the rules, for the test of the test.
package model

import (
	_ "github.com/netplan-overlay/netplan-overlay/internal/diff"
	_ "golang.org/x/sys/unix"
)
