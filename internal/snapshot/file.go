package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// MaxSize is how large a snapshot may be, in bytes: that of a host with 100,000 peers is
// smaller.
const MaxSize = 256 << 20

// Write writes the snapshot.
func (s *Snapshot) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(s.filled()); err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}

// filled returns the snapshot without lists that are null.
func (s *Snapshot) filled() *Snapshot {
	c := *s
	c.Netns, c.Inside, c.Links, c.Addresses = list(c.Netns), list(c.Inside), list(c.Links), list(c.Addresses)
	c.Routes, c.Neighbours, c.FDB = list(c.Routes), list(c.Neighbours), list(c.FDB)
	c.Saved, c.Sysctls, c.Management.Ways = list(c.Saved), list(c.Sysctls), list(c.Management.Ways)
	if c.Management.Lower == nil {
		c.Management.Lower = map[string]string{}
	}
	if c.Management.AcceptRA == nil {
		c.Management.AcceptRA = map[string]string{}
	}
	return &c
}

func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// Save writes the snapshot into a file that only its owner can read, as a whole or not at
// all.
func (s *Snapshot) Save(path string) error {
	var b strings.Builder
	if err := s.Write(&b); err != nil {
		return err
	}
	d, err := kernel.OpenPlace(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	defer d.Close()
	if err := d.Replace(filepath.Base(path), []byte(b.String())); err != nil {
		return fmt.Errorf("write the snapshot: %w", err)
	}
	return nil
}

// Parse reads a snapshot. It comes from another machine, and through other hands: nothing
// in it is taken for more than what a plan is to be compared with.
func Parse(in io.Reader) (*Snapshot, error) {
	b, err := io.ReadAll(io.LimitReader(in, MaxSize+1))
	if err != nil {
		return nil, err
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("it has more than %d MiB", MaxSize>>20)
	}
	var head struct {
		FormatVersion string `json:"format_version"`
		Kind          string `json:"kind"`
		Tool          string `json:"tool"`
	}
	if err := json.Unmarshal(b, &head); err != nil || head.Kind != Kind {
		return nil, errors.New("it is no snapshot: netplan-overlay observe --out writes one")
	}
	major, _, _ := strings.Cut(head.FormatVersion, ".")
	if want, _, _ := strings.Cut(FormatVersion, "."); major != want {
		return nil, fmt.Errorf("its format is %q, of netplan-overlay %s; this program reads %s: make it anew with the same version", head.FormatVersion, head.Tool, FormatVersion)
	}
	var s Snapshot
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("it is broken: %w", err)
	}
	return &s, s.check()
}

// check refuses what no kernel can have told.
func (s *Snapshot) check() error {
	for _, l := range s.Links {
		if l.Name == "" {
			return errors.New("it is broken: a link without a name")
		}
	}
	for _, a := range s.Addresses {
		if !a.Prefix.IsValid() || a.Link == "" {
			return errors.New("it is broken: an address that is none")
		}
	}
	for _, r := range s.Routes {
		if !r.Dst.IsValid() || r.Dst != r.Dst.Masked() {
			return errors.New("it is broken: a route without a destination")
		}
	}
	for _, n := range s.Neighbours {
		if !n.IP.IsValid() {
			return errors.New("it is broken: a neighbour without an address")
		}
	}
	return nil
}

// tolerance is how far the clock of another machine may be ahead.
const tolerance = 5 * time.Minute

// Fresh refuses a snapshot that is older than allowed, or of the future.
func (s *Snapshot) Fresh(now time.Time, most time.Duration) error {
	age := now.Sub(s.Time)
	switch {
	case age > most:
		return fmt.Errorf("its snapshot is %s old (%s), more than --max-age %s: observe the host again", age.Round(time.Second), s.Time.Format(time.RFC3339), most)
	case age < -tolerance:
		return fmt.Errorf("its snapshot is of %s, which is still to come: the clock of one of the machines is wrong", s.Time.Format(time.RFC3339))
	}
	return nil
}
