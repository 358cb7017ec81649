package monitor

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/prometheus/common/expfmt"

	"github.com/netplan-overlay/netplan-overlay/internal/kernel"
)

// WriteTextfile writes the metrics into a file for node_exporter's textfile collector,
// which everybody may read: as a whole or not at all, since the collector reads it at any
// time. Metrics of the process and of Go are left out: node_exporter has its own of these
// names, and would take neither.
func (m *Monitor) WriteTextfile(path string) error {
	families, err := m.own.Gather()
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			return fmt.Errorf("write metrics: %w", err)
		}
	}
	path = filepath.Clean(path)
	d, err := kernel.OpenPlace(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	defer d.Close()
	if err := d.Publish(filepath.Base(path), b.Bytes()); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// writeEach writes the text file until the context is over. That it cannot be written is
// told once, until it can be again.
func (m *Monitor) writeEach(ctx context.Context) {
	tick := time.NewTicker(m.c.Every)
	defer tick.Stop()
	told := ""
	for {
		switch err := m.WriteTextfile(m.c.Textfile); {
		case err == nil:
			told = ""
		case err.Error() != told:
			told = err.Error()
			m.c.Log.Error("the metrics could not be written", "file", m.c.Textfile, "error", err)
		}
		select {
		case <-ctx.Done():
			m.removeTextfile()
			return
		case <-tick.C:
		}
	}
}

func (m *Monitor) removeTextfile() {
	d, err := kernel.OpenPlace(filepath.Dir(filepath.Clean(m.c.Textfile)))
	if err == nil {
		err = d.Remove(filepath.Base(m.c.Textfile))
		d.Close()
	}
	if err != nil {
		m.c.Log.Warn("the metrics could not be removed, and are not so any more", "file", m.c.Textfile, "error", err)
	}
}
