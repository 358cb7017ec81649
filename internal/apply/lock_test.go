package apply_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/apply"
)

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	ctx := context.Background()
	first, err := apply.Acquire(ctx, dir, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = apply.Acquire(ctx, dir, 1, 0)
	if err == nil || !strings.Contains(err.Error(), "another run holds the lock of this host: process ") || !strings.Contains(err.Error(), "--lock-timeout") {
		t.Errorf("a second holder: error %v", err)
	}
	other, err := apply.Acquire(ctx, dir, 2, 0)
	if err != nil {
		t.Fatalf("another host: %v", err)
	}
	if err := other.Release(); err != nil {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := apply.Acquire(cancelled, dir, 1, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while waiting: error %v", err)
	}
	if err := first.Release(); err != nil {
		t.Error(err)
	}
	again, err := apply.Acquire(ctx, dir, 1, 0)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again.Release()
}

// Who waits gets the lock when the holder gives it up.
func TestLockWaits(t *testing.T) {
	dir := t.TempDir()
	first, err := apply.Acquire(context.Background(), dir, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		l, err := apply.Acquire(context.Background(), dir, 1, time.Minute)
		if err == nil {
			err = l.Release()
		}
		got <- err
	}()
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// The lock never goes through a link that somebody laid.
func TestLockFollowsNoLink(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "precious")
	if err := os.WriteFile(target, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, "lock-1")); err != nil {
		t.Fatal(err)
	}
	if _, err := apply.Acquire(context.Background(), dir, 1, 0); err == nil {
		t.Error("the link was followed")
	}
	if b, _ := os.ReadFile(target); string(b) != "as it was" {
		t.Errorf("the target reads %q", b)
	}
}
